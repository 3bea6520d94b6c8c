import { expect, test } from 'vitest';
import { runChoo } from '../helpers/run-choo.ts';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { makeProject } from '../helpers/spec-project.ts';

const UNITS = { unit: { tasks: [{ gate: 'test -e made', sh: 'touch made' }] } };
/** It names npm, so npm's registry is asked; the address is one where nothing listens. */
const setup = (command: string): string =>
  `limits: { attempts: 1 }\nworktree:\n  setup:\n    - command: ${command}\n`;
const UNREACHABLE = { npm_config_registry: 'https://127.0.0.1:47' };
const SENTENCE = 'npm cannot reach 127.0.0.1:47 (ECONNREFUSED), and HTTPS_PROXY is not set where choo runs';

test.each(SANDBOXES)(
  'a set-up without a way out says which variable is missing, in %s',
  { timeout: 240_000 },
  async (sandbox) => {
    await using project = await makeProject({
      units: UNITS,
      config: setup('npm --version && sleep 6 && exit 3'),
    });
    const failed = await runChoo(project.path, ['run', '--sandbox', sandbox], {
      ...project.environment,
      ...UNREACHABLE,
    });
    expect(failed.exitCode, failed.stdout).toBe(1);
    const said = failed.stdout.split('\n').filter((line) => line.includes(SENTENCE));
    expect(said.length, failed.stdout).toBeGreaterThan(1); // while it ran, and as the reason
  },
);

test('one that needs no network is left alone', { timeout: 240_000 }, async () => {
  await using project = await makeProject({ units: UNITS, config: setup('npm --version') });
  const complete = await runChoo(project.path, ['run', '--sandbox', SANDBOXES[0] ?? 'host'], {
    ...project.environment,
    ...UNREACHABLE,
  });
  expect(complete.exitCode, complete.stdout).toBe(0);
  expect(complete.stdout).not.toContain(SENTENCE);
});
