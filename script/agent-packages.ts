// Prints the agent CLIs that have tests in test/agents, for script/agents. One line each, separated by tabs: command, npm
// package, version, and the set-up script if there is one.
import { existsSync } from 'node:fs';
import { PROVIDERS } from '../src/provider/by-name.ts';

for (const { name, executable, installation } of Object.values(PROVIDERS)) {
  if (typeof installation === 'string') continue;
  if (!existsSync(new URL(`../test/agents/${name}.test.ts`, import.meta.url))) continue;
  const { package: from, version, setup } = installation;
  console.log([executable, from, version, ...(setup === undefined ? [] : [setup])].join('\t'));
}
