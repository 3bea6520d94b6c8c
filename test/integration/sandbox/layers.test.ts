import { execa } from 'execa';
import { chmod, chown, lchown, lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type ExecResult,
  type Execution,
  HOME,
  PROJECT,
  type SandboxPaths,
} from '../../../src/sandbox/sandbox.ts';
import { openLayers } from '../../../src/sandbox/bubblewrap/layers.ts';
import { whyNoBubblewrap } from '../../fixtures/sandbox/missing.ts';
import { describeAsEachUser } from '../../helpers/each-user.ts';

const missing = whyNoBubblewrap();
/** A user that owns nothing else: what it made is below the worktrees of others. */
const MAKER_UID = 61_777;

/** A worktree with something below it. */
interface Layered {
  readonly workplace: SandboxPaths & {
    readonly beside: string;
    readonly below: NonNullable<SandboxPaths['below']>;
  };
}

describeAsEachUser('layers', missing, (place) => {
  async function layered(name: string, owner = place.actor.uid): Promise<Layered> {
    const store = join(place.world.repository, '..', `store-${name}`);
    const below = { project: join(store, 'project'), home: join(store, 'home') };
    const beside = join(place.world.repository, '..', `beside-${name}`);
    const worktree = join(place.world.repository, '..', `worktree-${name}`);
    for (const path of [worktree, beside, store, below.project, below.home, join(below.project, 'lib/deep')])
      await mkdir(path, { recursive: true });
    await writeFile(join(below.project, 'lib/file'), 'below');
    await writeFile(join(below.project, 'lib/deep/file'), 'below');
    await writeFile(join(below.home, 'tool'), 'below');
    for (const path of [worktree, beside]) await chown(path, place.actor.uid, place.actor.uid);
    for (const path of await readdir(store, { recursive: true })) {
      await lchown(join(store, path), owner, owner);
      await chmod(join(store, path), (await lstat(join(store, path))).isDirectory() ? 0o777 : 0o666);
    }
    await place.actor.sandbox('bubblewrap').chownToSandboxUser(worktree);
    return { workplace: { worktree, readable: [], beside, below } };
  }

  async function bash(
    { workplace }: { readonly workplace: SandboxPaths },
    script: string,
    execution: Partial<Execution> = {},
  ): Promise<ExecResult> {
    const argv = ['bash', '-c', script] as const;
    const sandbox = place.actor.sandbox('bubblewrap');
    const { worktree } = workplace;
    return sandbox.exec(workplace, {
      profile: 'agent',
      argv,
      cwd: worktree,
      totalMs: 120_000,
      ...execution,
    });
  }

  test('are overlays on this machine', async () => {
    expect(await place.actor.sandbox('bubblewrap').layering()).toBe('overlay');
  });

  test('are changed by nobody who sees them', { timeout: 240_000 }, async () => {
    const [mine, other] = [await layered('mine'), await layered('other')];
    const store = join(place.world.repository, '..');
    const before = await contents(mine, other);
    const script = `cd ${PROJECT}
        echo x >> lib/file; echo x > lib/new; rm lib/deep/file; mv lib moved; rm -rf moved/deep; chmod 000 moved/file
        ln moved/new hard; echo x >> hard; echo x > ${HOME}/tool; rm -f ${HOME}/tool
        for path in ${store}/store-*/project/lib/file ${store}/store-mine/project/planted ${store}/store-other/home/tool \\
          ${store}/beside-other/home/planted ${store}/worktree-other/planted /proc/1/root${store}/store-mine/planted; do
          mkdir -p "$(dirname "$path")"; echo x >> "$path"; done
        mount -o remount,rw ${PROJECT}; umount ${PROJECT}; umount -l ${HOME}
        unshare --user --map-root-user --mount umount ${PROJECT}
        setfattr -n user.overlay.redirect -v /etc moved; setfattr -n trusted.overlay.opaque -v y moved
        ls -a ${PROJECT} /choo; cat moved/new`;
    const { ending, tail } = await bash(mine, script);
    expect(ending, tail).toMatchObject({ kind: 'exited', exitCode: 0 });
    expect(await contents(mine, other)).toEqual(before);
    expect(await readdir(other.workplace.worktree)).toEqual([]);
    // The next command in the same worktree finds what this one left; one elsewhere does not.
    expect((await bash(mine, 'ls; ls -A ~; cat moved/new')).tail).toBe('hard\nmoved\nx\nx\n');
    expect((await bash(other, 'ls; ls -A ~; cat lib/file lib/deep/file ~/tool')).tail).toBe(
      'lib\ntool\nbelowbelowbelow',
    );
  });

  test(
    'of another user are used by two at once, who overwrite, delete and rename',
    { timeout: 240_000 },
    async () => {
      const one = await layered('one', place.who === 'root' ? MAKER_UID : place.actor.uid);
      const two = await layered('two');
      const both = { workplace: { ...two.workplace, below: one.workplace.below } };
      const before = await contents(one);
      const script = `echo $0 > lib/file && rm lib/deep/file && mv lib/deep lib/$0 && mkdir lib/deep && echo $0 > ~/tool &&
        sleep 0.3 && cat lib/file ~/tool && ls lib lib/deep`;
      const run = async (at: Layered, word: string): Promise<string> =>
        (await bash(at, '', { argv: ['bash', '-c', script, word] })).tail;
      const [first, second] = await Promise.all([run(one, 'one'), run(both, 'two')]);
      expect(first).toBe('one\none\nlib:\ndeep\nfile\none\n\nlib/deep:\n');
      expect(second).toBe('two\ntwo\nlib:\ndeep\nfile\ntwo\n\nlib/deep:\n');
      expect(await contents(one)).toEqual(before);
    },
  );

  test('that are thrown away leave the home as it was', { timeout: 240_000 }, async () => {
    const at = await layered('gate');
    await bash(at, 'echo agent > ~/agent');
    const gate = { profile: 'gate', discards: 'home' } as const;
    const script = 'ls -A ~; cat ~/tool; echo gate > ~/gate; rm ~/agent; echo gate > ~/tool';
    for (let time = 0; time < 2; time += 1)
      expect((await bash(at, script, gate)).tail).toBe('agent\ntool\nbelow');
    expect(await readdir(at.workplace.beside)).toEqual(['home']);
    expect(await readdir(join(at.workplace.beside, 'home'))).toEqual(['agent']);
  });

  test('that are thrown away leave the worktree as it was, too', { timeout: 240_000 }, async () => {
    const at = await layered('apart');
    await bash(at, 'echo agent > agent; echo agent > lib/file');
    const plain = { workplace: { ...at.workplace, below: undefined } };
    const gate = { profile: 'gate', discards: 'all' } as const;
    const script = `cat agent lib/file ~/tool; rm agent; echo gate > lib/file; mkdir out; echo gate > out/file; touch ~/gate
        mv lib moved; ls -A`;
    const before = await contents(at);
    const expected = 'agent\nagent\nbelowmoved\nout\n';
    const both = await Promise.all([bash(at, script, gate), bash(at, script, gate)]); // two at once
    expect(both.map(({ tail }) => tail)).toEqual([expected, expected]);
    expect((await bash(plain, 'cat agent; rm -r lib; touch ~/gate; ls -A ~', gate)).tail).toBe(
      'agent\ngate\n',
    );
    expect(await contents(at)).toEqual(before);
    expect(await readdir(at.workplace.beside)).toEqual(['home']);
    expect(await readdir(join(at.workplace.beside, 'home'))).toEqual([]);
    expect((await bash(at, 'cat agent lib/file; ls -A . ~')).tail).toBe(
      'agent\nagent\n.:\nagent\nlib\n\n/choo/home:\ntool\n',
    );
  });

  test('that are thrown away are copies where there are no overlays', { timeout: 240_000 }, async () => {
    const { worktree, beside } = (await layered('copied')).workplace;
    await writeFile(join(worktree, 'file'), 'as it was');
    await mkdir(join(beside, 'home'));
    await writeFile(join(beside, 'home/tool'), 'as it was');
    const { uid } = place.actor;
    const options = { canOverlay: async () => false, uid, searchPath: process.env['PATH'] ?? '' };
    {
      await using layers = await openLayers({ worktree, beside, readable: [] }, { discards: 'all' }, options);
      const copies = [join(layers.worktree, 'file'), join(layers.home ?? '', 'tool')];
      for (const copy of copies) {
        expect(await readFile(copy, 'utf8')).toBe('as it was');
        expect((await lstat(copy)).uid).toBe((await lstat(join(worktree, 'file'))).uid);
        await writeFile(copy, 'changed');
      }
    }
    expect(await readFile(join(worktree, 'file'), 'utf8')).toBe('as it was');
    expect(await readFile(join(beside, 'home/tool'), 'utf8')).toBe('as it was');
    expect(await readdir(beside)).toEqual(['home']);
  });

  test('give nobody more rights', { timeout: 240_000 }, async () => {
    const script = `grep -E '^(Cap|NoNewPrivs)' /proc/self/status; id -u; unshare --user true || echo refused
        ulimit -u; cat /etc/shadow; touch /usr/planted /choo/planted`;
    const { tail } = await bash(await layered('rights'), script);
    expect(tail.match(/^Cap\w+:\t0+$/gm)).toHaveLength(5);
    expect(tail).toContain('NoNewPrivs:\t1');
    expect(tail).toContain('refused');
    expect(tail).not.toMatch(/^root:/m);
    expect(tail).not.toMatch(/^0$/m);
  });
});

/** All paths below the worktrees, with what identifies their content. */
async function contents(...all: readonly Layered[]): Promise<string> {
  const directories = all.flatMap(({ workplace }) => [workplace.below.project, workplace.below.home]);
  const { stdout } = await execa('find', [...directories, '-printf', '%p %m %u %n %s %T@ %C@\\n']);
  const files = await Promise.all(directories.map(async (path) => readdir(path, { recursive: true })));
  const texts = directories.flatMap((path, index) =>
    (files[index] ?? []).map(async (name) => readFile(join(path, name), 'utf8').catch(() => 'a directory')),
  );
  return [stdout, ...(await Promise.all(texts))].join('\n');
}
