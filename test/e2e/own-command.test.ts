import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { CHOO, runChoo } from '../helpers/run-choo.ts';
import { makeProject } from '../helpers/spec-project.ts';
import { hasTmux, openScreen } from '../helpers/tmux.ts';

test('a repository starts no program with a key before somebody allowed it', async () => {
  await using project = await makeProject({ units: { unit: { tasks: [{ gate: 'test -e work' }] } } });
  const [place, took] = [join(project.path, '../agent'), join(project.path, '../took')];
  mkdirSync(place);
  const program = join(place, 'agent.sh');
  writeFileSync(program, `#!/bin/sh\necho "$ANTHROPIC_API_KEY $*" >> ${took}\n`, { mode: 0o755 });
  const configure = async (settings: string): Promise<void> => {
    const text = `provider: { type: claude, providers: { claude: ${settings} } }\nlimits: { attempts: 1 }\n`;
    writeFileSync(join(project.path, '.choo.yml'), text);
    await project.git('commit', '-qam', 'Take another');
  };
  const run = async (more: Readonly<Record<string, string>> = {}) =>
    runChoo(project.path, ['run', '--fresh', '--json', '--sandbox', 'host'], {
      ...project.environment,
      ANTHROPIC_API_KEY: 'the-key-of-a-person',
      ...more,
    });
  const refused = async (): Promise<string> => {
    const { exitCode, stderr } = await run();
    expect(exitCode).toBe(2);
    expect(stderr).toContain('nobody allowed');
    expect(existsSync(took)).toBe(false);
    return /CHOO_ALLOWED_COMMANDS=([0-9a-f]{16})/.exec(stderr)?.[1] ?? 'no hash';
  };

  await configure(`{ command: ${program}, args: ["\\e[2K"] }`);
  expect((await run()).stderr).toContain(String.raw`"${program}" "\u001b[2K"`);
  const hash = await refused();
  // Other arguments, or another program at the same place, are others.
  await configure(`{ command: ${program} }`);
  const other = await refused();
  appendFileSync(program, 'true\n');
  const another = await refused();
  expect(new Set([hash, other, another]).size).toBe(3);
  await run({ CHOO_ALLOWED_COMMANDS: `${hash},${other}` });
  expect(existsSync(took)).toBe(false);
  await run({ CHOO_ALLOWED_COMMANDS: another });
  expect(existsSync(took)).toBe(true);
  // Where none of its units has that provider, nothing is asked.
  const { stderr } = await run({ CHOO_PROVIDER: 'rehearsal' });
  expect(stderr).not.toContain('nobody allowed');
});

test.skipIf(!(await hasTmux()))('a person at a terminal is asked once (needs tmux)', async () => {
  await using project = await makeProject({
    units: { unit: { tasks: [{ gate: 'test -e work', sh: 'exit 1' }] } },
    config: '  providers: { rehearsal: { command: /bin/sh } }\nlimits: { attempts: 1 }\n',
  });
  const variables = Object.entries(project.environment).map((pair) => pair.join('='));
  const command = ['env', ...variables, ...CHOO, 'run', '--fresh', '--sandbox', 'host', project.path].join(
    ' ',
  );
  const wait = { timeout: 60_000, interval: 100 };
  await using screen = await openScreen(join(project.path, '..'), `${command}; ${command}; ${command}`, {
    columns: 160,
  });
  const seen = async (): Promise<string> => (await screen.read(true)).join('\n');
  const asked = '"/bin/sh" started as';
  await vi.waitFor(async () => expect(await seen()).toContain('from now on? [y/N]'), wait);
  await screen.press('Enter');
  await vi.waitFor(async () => expect((await seen()).split(asked)).toHaveLength(4), wait); // refused, asked again
  await screen.press('y', 'Enter');
  await vi.waitFor(
    async () => expect((await seen()).match(/1 failed|failed/g)?.length).toBeGreaterThan(1),
    wait,
  );
  expect((await seen()).split(asked)).toHaveLength(4);
});
