import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { makeProject, type ProjectSpec, type RunOutcome, type SpecProject } from '../helpers/spec-project.ts';

const LONG = { timeout: 240_000 };
/** Its set-up reads `needs.lock` and, under a name that no reading finds, `helper.sh`; it leaves ignored files and a tool at home. */
const FILES = {
  'needs.lock': 'one\n',
  'prepare.sh':
    'mkdir -p deps/deep; cp needs.lock deps/lock; date +%N > deps/when; sh "$(printf help)er.sh"; echo tool > ~/tool\n',
  'helper.sh': 'echo good > deps/helper\n',
  '.gitignore': 'deps/\n',
};
const config = (inputs: string): string =>
  `limits: { attempts: 1 }\nworktree:\n  setup:\n    - command: sh prepare.sh\n${inputs}`;
const INPUTS = '      inputs: [needs.lock]\n';

/** A unit whose agent finds what set-up left, spoils all of it, and whose gate needs the rest. */
const SPOIL = (name: string) => ({
  tasks: [
    {
      gate: `test -e ${name} && test -e deps/lock && grep -qx tool ~/tool`,
      sh: `cat deps/helper ~/tool > ${name}; echo ${name} >> deps/helper; rm deps/when; mv deps/deep deps/moved
           echo ${name} > ~/mine; for path in /choo/* ~/.. /tmp/..; do echo x >> "$path/planted" || true; done`,
    },
  ],
});

function counts({ events }: RunOutcome): { readonly ran: number; readonly reused: number } {
  const of = (type: string): number => events.filter((event) => event['type'] === type).length;
  return { ran: of('worktree.setup'), reused: of('setup.reused') };
}

async function made(project: SpecProject, unit: string): Promise<string> {
  return project.git('show', `choo/unit/main/${unit}:${unit}`);
}

async function beside(project: SpecProject, name: string): Promise<readonly string[]> {
  const [home = ''] = await readdir(join(project.dataDirectory, 'repositories'));
  return readdir(join(project.dataDirectory, 'repositories', home, name)).catch(() => []);
}

describe.runIf(SANDBOXES.includes('bubblewrap'))('what set-up leaves behind', () => {
  const units = { one: SPOIL('one'), two: SPOIL('two'), three: SPOIL('three') };

  test(
    'is made once for all units and their verify, whatever agents do to it, and by the next run',
    LONG,
    async () => {
      const spec: ProjectSpec = { units, files: FILES, config: config(INPUTS) };
      await using project = await makeProject(spec, { sandbox: 'bubblewrap' });
      const first = await project.run();
      expect(first.exitCode, first.stderr).toBe(0);
      expect(counts(first)).toEqual({ ran: 1, reused: 5 });
      expect(first.stderr).toContain('sandbox bubblewrap: set-up is shared by overlays');
      for (const unit of ['one', 'two', 'three']) expect(await made(project, unit)).toBe('good\ntool');
      const [key] = first.events.flatMap((event) => (event['type'] === 'setup.reused' ? [event['key']] : []));
      const again = await project.run('--fresh');
      expect(again.exitCode, again.stderr).toBe(0);
      expect(counts(again)).toEqual({ ran: 0, reused: 6 });
      expect(again.events.find(({ type }) => type === 'setup.reused')).toMatchObject({ key });
      for (const unit of ['one', 'two', 'three']) expect(await made(project, unit)).toBe('good\ntool');
      // Who asks for a unit anew gets a new set-up, too.
      const snapshots = async () => (await beside(project, 'prepared')).filter((name) => name !== 'uses');
      const before = await snapshots();
      expect(before).toHaveLength(1);
      const run = again.events.find(({ type }) => type === 'orch.started')?.['run'];
      const retried = await project.choo('retry', String(run), 'one', '--fresh');
      expect(retried.exitCode, retried.stderr).toBe(0);
      expect(await snapshots()).toHaveLength(1);
      expect(await snapshots()).not.toEqual(before);
      expect(await beside(project, 'beside')).toEqual([]);
      expect(await beside(project, 'prepared/uses')).toEqual([]);

      const cleaned = await project.choo('cleanup');
      expect(cleaned.stdout).toContain('what a set-up left in');
      expect(await beside(project, 'prepared')).toEqual([]);
      const after = await project.run('--fresh');
      expect(counts(after)).toEqual({ ran: 1, reused: 5 });
    },
  );

  test('is made anew where an input differs, and without inputs where any file does', LONG, async () => {
    const spec: ProjectSpec = {
      units: { one: SPOIL('one'), two: SPOIL('two') },
      files: FILES,
      config: config(''),
    };
    await using project = await makeProject(spec, { sandbox: 'bubblewrap' });
    const first = await project.run();
    expect(first.exitCode, first.stderr).toBe(0);
    // Both units start from one commit; each verify has another one.
    expect(counts(first)).toEqual({ ran: 3, reused: 1 });
    const needs = {
      tasks: [
        {
          gate: 'test -e one && grep -qx changed deps/lock',
          sh: 'echo changed > needs.lock; echo changed > deps/lock; touch one',
        },
      ],
    };
    await using other = await makeProject(
      { units: { one: needs }, files: FILES, config: config(INPUTS) },
      { sandbox: 'bubblewrap' },
    );
    const changed = await other.run();
    expect(changed.exitCode, changed.stderr).toBe(0);
    expect(counts(changed)).toEqual({ ran: 2, reused: 0 }); // verify of the agent's lock file
  });

  test('of a set-up that an agent changed, unseen by its inputs, reaches no other work', LONG, async () => {
    // The lock file alone is an input: a script of the manifest runs all the same.
    const manifest = (script: string): string =>
      JSON.stringify({ name: 'x', version: '1.0.0', scripts: { postinstall: script } });
    const evil = manifest('mkdir -p deps; echo evil > deps/helper; echo evil > ~/tool; ln -s / deps/root');
    const files = {
      'package.json': manifest('mkdir -p deps; echo good > deps/helper; echo tool > ~/tool'),
      'package-lock.json': JSON.stringify({ name: 'x', version: '1.0.0', lockfileVersion: 3, packages: {} }),
      '.gitignore': 'deps/\nnode_modules/\n',
    };
    const sh = `echo '${evil}' > package.json; touch hostile`;
    const hostile = { tasks: [{ gate: 'test -e hostile', sh, mayChange: ['package.json'] }] };
    const look = (name: string) => ({
      tasks: [{ gate: `test -e ${name}`, sh: `cat deps/helper ~/tool > ${name}` }],
    });
    const spec: ProjectSpec = {
      units: { hostile, after: { ...look('after'), dependsOn: ['hostile'] }, free: look('free') },
      files,
      config:
        'limits: { attempts: 1 }\nworktree:\n  setup:\n    - { command: npm ci --offline, inputs: [package-lock.json] }\n',
    };
    await using project = await makeProject(spec, { sandbox: 'bubblewrap' });
    const first = await project.run('--unit', 'hostile');
    expect(first.exitCode, first.stderr).toBe(0);
    await project.choo('cleanup'); // so that the next set-up is the first of its inputs
    const after = await project.run('--unit', 'after');
    expect(after.exitCode, after.stderr).toBe(0);
    expect(await made(project, 'after')).toBe('evil\nevil');
    const free = await project.run('--unit', 'free');
    expect(free.exitCode, free.stderr).toBe(0);
    expect(await made(project, 'free')).toBe('good\ntool');
    expect(counts(free)).toEqual({ ran: 1, reused: 1 });
  });
});

test('on the host it is reused only where it is relocatable', LONG, async () => {
  const units = { one: { tasks: [{ gate: 'test -e one', sh: 'cat deps/helper > one' }] } };
  const prepare = 'mkdir -p deps && sh helper.sh';
  const setup = `limits: { attempts: 1 }\nworktree:\n  setup:\n    - { command: ${prepare}, inputs: [needs.lock] }\n`;
  await using fixed = await makeProject({ units, files: FILES, config: setup });
  const outcome = await fixed.run();
  expect(outcome.exitCode, outcome.stderr).toBe(0);
  expect(outcome.stderr).toContain('sandbox host: set-up runs in each worktree');
  expect(counts(outcome)).toEqual({ ran: 2, reused: 0 });

  await using project = await makeProject({ units, files: FILES, config: `${setup}  relocatable: true\n` });
  const copied = await project.run();
  expect(copied.exitCode, copied.stderr).toBe(0);
  expect(copied.stderr).toContain('sandbox host: set-up is shared by copies');
  expect(counts(copied)).toEqual({ ran: 1, reused: 1 });
  expect(await made(project, 'one')).toBe('good');
});

test.each(SANDBOXES)('a gate of verify finds nothing that another gate left (%s)', LONG, async (sandbox) => {
  const units = {
    one: {
      tasks: [
        { gate: 'mkdir -p deps && touch deps/left && test -e one', sh: 'touch one' },
        { gate: 'test -e deps/left && test -e two', sh: 'touch two' },
      ],
    },
  };
  await using project = await makeProject(
    { units, files: FILES, config: 'limits: { attempts: 1 }\n' },
    { sandbox },
  );
  const outcome = await project.run();
  expect(outcome.exitCode, outcome.stderr).not.toBe(0);
  const types = outcome.events.map(({ type }) => type);
  expect(types.filter((type) => type === 'task.completed')).toHaveLength(2);
  expect(outcome.events.find(({ type }) => type === 'verify.fail')).toMatchObject({
    message: expect.stringContaining('the gate of task 2 is red'),
  });
});
