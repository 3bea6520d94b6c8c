import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { git } from '../helpers/git-repository.ts';
import { runChoo, runProgram } from '../helpers/run-choo.ts';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const [SANDBOX = 'host'] = SANDBOXES;

test(`the example project becomes the program of its README, in ${SANDBOX}`, async () => {
  await using place = await temporaryDirectory();
  const path = join(place.path, 'tally');
  const environment = {
    CHOO_DATA_DIR: join(place.path, 'data'),
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((who) => [
        [`GIT_${who}_NAME`, 'somebody'],
        [`GIT_${who}_EMAIL`, 'somebody@localhost'],
      ]),
    ),
  };
  expect((await runChoo(place.path, ['example', 'tally'], environment)).exitCode).toBe(0);
  const run = await runChoo(path, ['run', '--sandbox', SANDBOX], environment);
  expect(run.stderr + run.stdout).not.toContain('failed');
  expect(run.exitCode).toBe(0);

  const subjects = async (range: string): Promise<readonly string[]> =>
    (await git(path, 'log', '--reverse', '--no-merges', '--format=%s', range)).split('\n');
  expect(await subjects('main..choo/unit/main/count-words')).toEqual([
    'Split a text into words',
    'Count the words',
  ]);
  expect(await subjects('main..choo/unit/main/bar-chart')).toEqual([
    'Draw bars of whole cells',
    'Draw bars to an eighth of a cell',
  ]);
  const people = await git(path, 'log', '--format=%an <%ae> %cn', 'main..choo/unit/main/bar-chart');
  expect(new Set(people.split('\n'))).toEqual(new Set(['somebody <somebody@localhost> somebody']));
  const wave2 = 'choo/unit/main/tally-command';
  expect(await subjects(`main..${wave2}`)).toHaveLength(7);
  expect((await subjects(`main..${wave2}`)).slice(-3)).toEqual([
    'Write the report',
    'Read the options',
    'Run the command',
  ]);
  expect(readdirSync(path)).not.toContain('src'); // the checkout is as it was

  // Every gate is red before its task and green after it, all of them at the end as well, and no task changes what judges it.
  const status = await runChoo(path, ['status', '--json'], environment);
  const { branch, run: id } = JSON.parse(status.stdout) as { readonly branch: string; readonly run: string };
  const ends = readFileSync(join(path, '.git/choo/runs', id, 'events.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"task.validation.'))
    .map(
      (line) =>
        JSON.parse(line) as { type: string; phase: string; unit: string; task: number; exitCode: number },
    );
  const gates = Map.groupBy(ends, ({ unit, task }) => `${unit}/${task}`);
  expect(gates.size).toBe(7);
  for (const [task, results] of gates) {
    const words = results.map(({ phase, type }) => `${phase} ${type.split('.').at(-1)}`);
    expect(words.slice(-2), task).toEqual(['attempt ok', 'verify ok']);
    expect(new Set(words.slice(0, -2)), task).toEqual(new Set(['base fail'])); // it is asked again after other tasks
    expect(results[0]?.exitCode, task).toBeLessThan(126); // and not for want of a tool
  }
  const changed = await git(path, 'diff', '--name-only', 'main', branch, '--', 'test', 'package.json');
  expect(changed).toBe('');
  const result = await git(path, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/choo/run');
  expect(result).toBe(branch);
  await git(path, 'merge', '--quiet', '--no-edit', branch);
  expect(await git(path, 'status', '--porcelain')).toBe('');
  const node = process.execPath;
  const words = ['src/cli.js', '--top', '4', 'test/fixtures/harbour.txt'] as const;
  const tally = await runProgram(path, [node, ...words]);
  const readme = await git(path, 'show', 'main:README.md');
  const [, promised = ''] = /\$ node src\/cli\.js --top 4 .*\n([^]*?)```/.exec(readme) ?? [];
  expect(promised).toContain('Top 4 of 17 words');
  expect(tally).toEqual({ exitCode: 0, stdout: promised, stderr: '' });
  expect((await runProgram(path, [node, '--test'])).exitCode).toBe(0);
});
