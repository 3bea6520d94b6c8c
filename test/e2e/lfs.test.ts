import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commitFiles } from '../helpers/git-repository.ts';
import { pointerTo, storeContents } from '../helpers/lfs.ts';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { makeProject } from '../helpers/spec-project.ts';

const LONG = { timeout: 240_000 };
const [CONTENT, OTHER] = ['weights\n', 'other\n'];

test.each(SANDBOXES)(
  'set-up, agents, gates and verify see contents of Git LFS, and choo commits pointers and no new contents (%s)',
  LONG,
  async (sandbox) => {
    const gate = 'grep -qx weights model.bin && grep -qx weights built';
    const units = {
      one: {
        tasks: [
          { gate: `grep -qx weights moved.bin && test -e one`, sh: 'mv data.bin moved.bin; touch one' },
        ],
      },
      two: { tasks: [{ gate: `${gate} && test -e two`, sh: 'cat data.bin > two; touch data.bin' }] },
      three: { tasks: [{ gate, sh: 'echo new > data.bin; echo more > more.bin; touch three' }] },
    };
    const files = {
      '.gitattributes': '*.bin filter=lfs -text\n',
      '.gitignore': 'built\n',
      'model.bin': pointerTo(CONTENT).text,
      'data.bin': pointerTo(CONTENT).text,
    };
    const setup = 'worktree:\n  setup:\n    - command: cp model.bin built\n      inputs: [model.bin]\n';
    const config = `limits: { attempts: 1 }\ncheckout: { lfs: true }\n${setup}`;
    await using project = await makeProject({ units, files, config }, { sandbox });
    await storeContents(join(project.path, '.git'), CONTENT, OTHER);
    const outcome = await project.run();
    expect(outcome.exitCode, outcome.stderr).toBe(1);
    const of = (type: string) => outcome.events.filter((event) => event.type === type);
    expect(of('unit.completed').map(({ unit }) => unit)).toEqual(expect.arrayContaining(['one', 'two']));
    expect(JSON.stringify(of('unit.failed'))).toContain('three');
    expect(JSON.stringify(outcome.events)).toContain(
      '`data.bin` is kept in Git LFS, where choo stores nothing new, and 1 more like it: it was put back',
    );
    const show = async (what: string): Promise<string> => project.git('show', `choo/unit/main/${what}`);
    expect(`${await show('one:moved.bin')}\n`).toBe(pointerTo(CONTENT).text);
    expect(await show('two:two')).toBe(CONTENT.trim());
    const changed = await project.git('diff', '--name-only', 'main', 'choo/unit/main/two');
    expect(changed.split('\n').filter((path) => !path.startsWith('specs/'))).toEqual(['two']);

    // Another content is another input of the set-up.
    await commitFiles(project.path, { 'model.bin': pointerTo(OTHER).text });
    const again = await project.run('--fresh', '--unit', 'two');
    expect(again.events.some(({ type }) => type === 'worktree.setup')).toBe(true);
  },
);
