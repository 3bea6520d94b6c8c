import { execa } from 'execa';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { discover } from '../../src/discovery/discovery.ts';
import { DirectoryTree } from '../../src/discovery/tree.ts';
import type { Task } from '../../src/discovery/unit.ts';
import { readProject } from '../../src/plan/project.ts';
import { Graph } from '../../src/scheduler/graph.ts';
import { commitFiles, git } from '../helpers/git-repository.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const EXAMPLE = new URL('../../example', import.meta.url).pathname;

/** The one fenced block of a task that says what the rehearsal provider does. */
function rehearsalOf(task: Task): { readonly kind: string; readonly text: string } {
  const blocks = [
    ...Buffer.from(task.file.content)
      .toString()
      .matchAll(/^(`{3,})(sh|diff) rehearsal\n(.*?)^\1$/gms),
  ];
  expect(blocks).toHaveLength(1);
  return { kind: blocks[0]?.[2] ?? '', text: blocks[0]?.[3] ?? '' };
}

async function runIn(cwd: string, command: string): Promise<number | undefined> {
  const { exitCode } = await execa('bash', ['-c', command], {
    cwd,
    reject: false,
    extendEnv: false,
    env: { PATH: `${join(process.execPath, '..')}:/usr/bin:/bin` },
  });
  return exitCode;
}

async function rehearse(cwd: string, task: Task): Promise<void> {
  const { kind, text } = rehearsalOf(task);
  if (kind === 'sh') await execa('bash', ['-eu'], { cwd, input: text });
  else await execa('git', ['apply', '--whitespace=error-all'], { cwd, input: text });
}

describe('the example project', () => {
  test('has three units in two waves, and nothing to report', async () => {
    const { units, problems } = await discover(new DirectoryTree(EXAMPLE), 'specs/tasks');
    expect(problems.kept).toEqual([]);
    expect(
      new Graph(units.map((unit) => ({ ...unit, weight: 1 }))).waves().map((wave) => wave.length),
    ).toEqual([2, 1]);
  });

  test('is carried out by its rehearsal blocks: every gate red before its task, green after it, and all at the end', async () => {
    await using place = await temporaryDirectory();
    await cp(EXAMPLE, place.path, { recursive: true });
    await commitFiles(place.path, {});
    const { configuration, discovery } = await readProject(new DirectoryTree(place.path));
    const order = new Graph(discovery.units.map((unit) => ({ ...unit, weight: 1 }))).topologicalOrder();
    const tasks = order.flatMap((id) => discovery.units.find((unit) => unit.id === id)?.tasks ?? []);

    for (const task of tasks) {
      const red = await runIn(place.path, task.gate);
      expect(red, `${task.file.path} before`).toBeGreaterThan(0);
      expect(red, `${task.file.path} before`).toBeLessThan(126);
      await rehearse(place.path, task);
      expect(await runIn(place.path, task.gate), `${task.file.path} after`).toBe(0);
    }
    for (const task of tasks) expect(await runIn(place.path, task.gate), task.gate).toBe(0);
    for (const check of configuration.config?.baseline_checks ?? [])
      expect(await runIn(place.path, check.command), check.name).toBe(0);
    // What the tasks made is what they were to make: sources, and not the tests that judge them.
    expect(await git(place.path, 'status', '--porcelain', '--', 'test', 'specs', 'package.json')).toBe('');
    expect((await readdir(join(place.path, 'src'))).length).toBeGreaterThan(4);
  });
});
