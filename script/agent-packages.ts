// The agent CLIs that have tests in test/agents, a line each: command, package of npm, version, and where it needs one its
// set-up script, with tabs between them. For script/agents.
import { existsSync } from 'node:fs';
import { PROVIDERS } from '../src/provider/by-name.ts';

for (const { name, executable, installation } of Object.values(PROVIDERS)) {
  if (typeof installation === 'string') continue;
  if (!existsSync(new URL(`../test/agents/${name}.test.ts`, import.meta.url))) continue;
  const { package: from, version, setup } = installation;
  console.log([executable, from, version, ...(setup === undefined ? [] : [setup])].join('\t'));
}
