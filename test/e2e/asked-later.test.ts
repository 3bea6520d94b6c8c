import { execa } from 'execa';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../src/events/event.ts';
import { Journal } from '../../src/store/journal/journal.ts';
import { nextSecond } from '../helpers/app-waits.ts';
import { CHOO, untilPrinted } from '../helpers/run-choo.ts';
import { makeProject, type SpecProject, story } from '../helpers/spec-project.ts';

const UNIT = 'choo/unit/main/unit';

describe('a run that was interrupted after its first task', () => {
  const units = {
    unit: {
      tasks: [
        { gate: 'test -e one', sh: 'touch one' },
        { gate: 'test -e two', sh: 'sleep 1; touch two' },
      ],
    },
  };

  const start = (project: SpecProject) => {
    const [node, cli] = CHOO;
    return execa(node, [cli, 'run', '--json', '--sandbox', 'host'], {
      cwd: project.path,
      env: { ...project.environment, PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
      extendEnv: false,
      reject: false,
    });
  };

  /** Interrupts it, notes what somebody asks for then, and runs again. */
  async function runAfter(project: SpecProject, asked: readonly EventBody[]) {
    const run = start(project);
    await untilPrinted(run.stdout, 'task.completed');
    run.kill('SIGINT');
    expect((await run).exitCode).toBe(130);
    const before = await project.git('rev-parse', UNIT);
    {
      await using journal = new Journal(join(project.path, '.git'));
      const [id = ''] = await journal.runs();
      await journal.append(id, (await journal.read(id)).length, asked);
    }
    await nextSecond(); // the same commit, made again within a second, has the same id
    const { exitCode, stdout } = await start(project);
    expect(exitCode).toBe(0);
    expect(await story(project, UNIT)).toEqual(['Step 1 of unit', 'Step 2 of unit']);
    return { before, stdout };
  }

  test('and then cancelled is not gone on with: the next one goes on from its commits', async () => {
    await using project = await makeProject({ units });
    const { stdout } = await runAfter(project, [
      { type: 'unit.cancelled', unit: 'unit', actor: 'ann' },
      { type: 'orch.cancelled', actor: 'ann' },
    ]);
    expect(stdout).not.toContain('orch.resumed');
    expect(stdout).toContain('"phase":"resume"');
  });

  test('starts a unit over where somebody asks for that, and keeps what it had', async () => {
    await using project = await makeProject({ units });
    const { before, stdout } = await runAfter(project, [
      { type: 'unit.retried', unit: 'unit', actor: 'ann', fresh: true, from: null },
    ]);
    expect(stdout).toContain('orch.resumed');
    expect(stdout).not.toContain('"phase":"resume"');
    expect(await project.git('merge-base', before, UNIT)).toBe(await project.git('rev-parse', 'main'));
    const kept = await project.git('for-each-ref', '--format=%(objectname)', 'refs/heads/choo/old');
    expect(kept).toBe(before);
  });
});
