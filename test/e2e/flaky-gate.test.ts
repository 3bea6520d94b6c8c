import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeProject, type RunOutcome } from '../helpers/spec-project.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

/** A gate that counts its runs outside of the worktree, and decides by the number. */
const counting = (file: string, decides: string): string =>
  JSON.stringify(`echo "run" >> ${file}; n=$(wc -l < ${file}); echo "run $n"; ${decides}`);

const of = ({ events }: RunOutcome, unit: string, type: string) =>
  events.filter((event) => event['unit'] === unit && event['type'] === type);

test('a gate that is red and green on the same files is called flaky, with both outputs', async () => {
  await using place = await temporaryDirectory();
  const file = (name: string): string => join(place.path, name);
  const units = {
    // Red before any work, green after an attempt, red in verify.
    verify: {
      tasks: [{ gate: counting(file('verify'), 'test -e done && test "$n" -ne 3'), sh: 'touch done' }],
    },
    // Red before any work, and green after an agent that did nothing.
    idle: { tasks: [{ gate: counting(file('idle'), 'test "$n" -gt 1'), sh: 'true' }] },
    steady: { tasks: [{ gate: counting(file('steady'), 'test -e done'), sh: 'touch done' }] },
    check: { tasks: [{ gate: 'test -e checked', sh: 'touch checked' }] },
  };
  const check = `baseline_checks:\n  - { name: lint, pattern: checked, command: ${counting(file('lint'), 'test "$n" -ne 2')} }\n`;
  await using project = await makeProject({ units, config: `limits: { attempts: 1 }\n${check}` });
  const run = await project.run();
  for (const unit of Object.keys(units))
    expect(of(run, unit, 'unit.completed')).toMatchObject([{ verified: true }]);
  const outputs = (red: number, green: number) => ({
    red: { tail: expect.stringContaining(`run ${red}`) },
    green: { tail: expect.stringContaining(`run ${green}`) },
  });
  expect(of(run, 'verify', 'gate.flaky')).toMatchObject([{ task: 1, check: null, ...outputs(3, 4) }]);
  expect(of(run, 'idle', 'gate.flaky')).toMatchObject([{ task: 1, check: null, ...outputs(1, 2) }]);
  expect(of(run, 'steady', 'gate.flaky')).toEqual([]);
  expect(of(run, 'check', 'gate.flaky')).toMatchObject([{ task: null, check: 'lint', ...outputs(2, 3) }]);
  const status = await project.choo('status');
  expect(status.stdout).toContain('the gate of task 1 was red and green on the same files');
});

test('`gate_retries` bounds the second look', async () => {
  await using place = await temporaryDirectory();
  const gate = (name: string): string =>
    counting(join(place.path, name), 'test -e done && { test "$n" -eq 2 || test "$n" -gt 4; }');
  const unit = (name: string) => ({ units: { one: { tasks: [{ gate: gate(name), sh: 'touch done' }] } } });
  await using once = await makeProject({ ...unit('once'), config: 'limits: { attempts: 1 }\n' });
  expect(of(await once.run(), 'one', 'unit.failed')).toMatchObject([{ failure: 'verify' }]);
  await using thrice = await makeProject({ ...unit('thrice'), config: 'gate_retries: 3\n' });
  const run = await thrice.run();
  expect(of(run, 'one', 'unit.completed')).toHaveLength(1);
  expect(of(run, 'one', 'gate.flaky')).toHaveLength(1);
});
