import { expect, test } from 'vitest';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { makeProject } from '../helpers/spec-project.ts';

const ENV = 'env: { TEST_MODE: "a b", PORT: "5432", TZ: UTC }\n';

test.each(SANDBOXES)(
  'variables of the repository reach gates and set-up, and no agent, in %s',
  { timeout: 240_000 },
  async (sandbox) => {
    const says = '"$TEST_MODE/$PORT/$TZ" = "a b/5432/UTC"';
    const setup = `worktree:\n  setup:\n    - command: mkdir -p deps && echo "$TEST_MODE" > deps/mode\n`;
    await using project = await makeProject(
      {
        units: {
          unit: {
            tasks: [
              {
                gate: JSON.stringify(`test ${says} && grep -qx 'a b' deps/mode && test -e made`),
                sh: 'echo "agent:${TEST_MODE-}:${PORT-}" > made',
              },
            ],
          },
        },
        files: { '.gitignore': 'deps/\n' },
        config: `limits: { attempts: 1 }\n${ENV}${setup}`,
      },
      { sandbox },
    );
    const outcome = await project.run();
    expect(outcome.exitCode, outcome.stderr + outcome.stdout.slice(-3_000)).toBe(0);
    expect(await project.git('show', 'choo/unit/main/unit:made')).toBe('agent::');
  },
);

test('names that decide what runs are refused, with their line', { timeout: 120_000 }, async () => {
  const units = { unit: { tasks: [{ gate: 'test -e made', sh: 'touch made' }] } };
  await using project = await makeProject({
    units,
    config: 'env:\n  LD_PRELOAD: /x.so\n  HTTPS_PROXY: http://x\n',
  });
  const outcome = await project.choo('check');
  expect(outcome.exitCode).not.toBe(0);
  expect(outcome.stdout + outcome.stderr).toMatch(/\.choo\.yml:4:.*`LD_PRELOAD` decides what runs/);
  expect(outcome.stdout + outcome.stderr).toMatch(
    /\.choo\.yml:5:.*`HTTPS_PROXY` decides how the network is reached/,
  );
});
