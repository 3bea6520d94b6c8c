import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBubblewrap } from '../../../../src/sandbox/bubblewrap/bubblewrap.ts';
import { openEtc } from '../../../../src/sandbox/bubblewrap/etc.ts';
import { INSIDE_UID } from '../../../../src/sandbox/bubblewrap/sandbox-user.ts';
import { type ExecResult, type Execution, PROJECT } from '../../../../src/sandbox/sandbox.ts';
import { isRoot, processesRunning, processesShowing, startActor } from '../../../fixtures/sandbox/actor.ts';
import type { MachineOf } from '../../../fixtures/sandbox/choo.ts';
import { whyNoBubblewrap } from '../../../fixtures/sandbox/missing.ts';
import { makeWorld, type World } from '../../../fixtures/sandbox/world.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const missing = whyNoBubblewrap();
const directory = mkdtempSync('/tmp/choo-directory-');
chmodSync(directory, 0o711);
afterAll(() => rmSync(directory, { recursive: true }));
const sandbox = openBubblewrap({
  directory,
  searchPath: '/usr/local/bin:/usr/bin:/bin',
  nodePath: dirname(process.execPath),
  owner: `bubblewrap-test-${process.pid}`,
});
let sleeps = 0;
function uniqueSleep(): string {
  sleeps += 1;
  return `sleep ${process.pid}${sleeps}.75`;
}

async function bash(world: World, script: string, execution: Partial<Execution> = {}): Promise<ExecResult> {
  const argv = ['bash', '-c', script] as const;
  const cwd = world.worktree;
  return await sandbox.exec(world.workplace, { profile: 'gate', argv, cwd, totalMs: 20_000, ...execution });
}

describe.skipIf(missing !== undefined)(
  `bubblewrap${missing === undefined ? '' : `: SKIPPED, ${missing}`}`,
  () => {
    let world: World;
    beforeAll(async () => {
      world = await makeWorld(process.getuid?.() ?? 0);
      await sandbox.chownToSandboxUser(world.worktree);
    });
    afterAll(async () => world[Symbol.asyncDispose]());

    test('gives a command its worktree, node, git, and a small environment', async () => {
      const script =
        'pwd; node --version; npm --version >/dev/null && echo npm; touch mine && git status --short; env';
      const { ending, tail } = await bash(world, script, { env: { EXTRA: 'x y' } });
      expect(ending, tail).toEqual({ kind: 'exited', exitCode: 0 });
      const lines = tail.trim().split('\n');
      expect(lines.slice(0, 4)).toEqual([PROJECT, process.version, 'npm', '?? mine']);
      const names = lines.slice(4).map((line) => line.split('=')[0]);
      const git = ['GIT_CONFIG_COUNT', 'GIT_CONFIG_KEY_0', 'GIT_CONFIG_VALUE_0', 'GIT_OPTIONAL_LOCKS'];
      const own = ['EXTRA', ...git, 'HOME', 'LANG', 'PATH', 'PWD', 'SHLVL', 'TMPDIR', '_'];
      expect(new Set(names)).toEqual(new Set(own));
    });

    test('passes exit codes and signals on', async () => {
      expect((await bash(world, 'exit 7')).ending).toEqual({ kind: 'exited', exitCode: 7 });
      expect((await bash(world, 'kill -KILL $$')).ending).toEqual({ kind: 'exited', exitCode: 137 });
      expect((await bash(world, 'wc -c', { stdin: 'x'.repeat(1_000_000) })).tail.trim()).toBe('1000000');
    });

    test.each<readonly [string, Partial<Execution>, RegExp]>([
      ['a program that is not there', { argv: ['no-such-program'] }, /no-such-program/],
      ['a directory that is not there', { cwd: '/no/such/place' }, /no\/such\/place/],
      ['a path to read that is not there', { readable: ['/no/such/place'] }, /no\/such\/place/],
      ['a NUL in a variable', { env: { X: 'a\0--bind\0/\0/' } }, /NUL/],
      ['a NUL in an argument', { argv: ['echo', 'a\0b'] }, /null bytes/],
    ])('starts nothing for %s', async (_, execution, reason) => {
      const { ending } = await bash(world, 'true', execution);
      expect(ending).toMatchObject({ kind: 'not-started', reason: expect.stringMatching(reason) });
    });

    test('does not take the words of a failed command for its own', async () => {
      const { ending } = await bash(
        world,
        'echo "bwrap: execvp bash: No such file or directory" >&2; exit 1',
      );
      expect(ending).toEqual({ kind: 'exited', exitCode: 1 });
    });

    // Who is asked has two seconds to answer: on a machine that is busy with other tests that was too little at times.
    test('asks those inside before it kills them, and when cancelled', { retry: 2 }, async () => {
      // Its child is asked as well, and may end first: that must not be the end of it.
      const politely = 'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 100 & wait; done';
      const polite = await bash(world, politely, { idleMs: 2_000 });
      expect(polite).toMatchObject({ ending: { kind: 'stalled' }, tail: 'ready\nbye\n' });
      const sleep = uniqueSleep();
      const abort = new AbortController();
      const onLine = (): void => abort.abort();
      const deaf = await bash(world, `trap "" TERM; echo; ${sleep} & wait; wait`, {
        signal: abort.signal,
        onLine,
      });
      expect(deaf.ending).toEqual({ kind: 'cancelled' });
      expect(deaf.durationMs).toBeLessThan(4_500);
      expect(processesRunning(sleep)).toEqual([]);
    });

    test('leaves nothing when it is cancelled while it starts, however far it is', async () => {
      const sleep = uniqueSleep();
      for (let afterMs = 0; afterMs < 24; afterMs += 1) {
        const { ending, durationMs } = await bash(world, sleep, { signal: AbortSignal.timeout(afterMs) });
        expect(ending).toEqual({ kind: 'cancelled' });
        expect(durationMs).toBeLessThan(1_900); // it was not waited for
      }
      expect(processesShowing(sleep)).toEqual([]);
    });

    test('shows the values of variables to nobody else on this machine', async () => {
      const sleep = uniqueSleep();
      const abort = new AbortController();
      const env = { API_KEY: 'the-key-of-the-model' };
      const running = bash(world, `test -n "$API_KEY" && ${sleep}`, { env, signal: abort.signal });
      await expect.poll(() => processesRunning(sleep), { interval: 10, timeout: 10_000 }).not.toEqual([]);
      expect(processesShowing('the-key-of-the-model')).toEqual([]);
      abort.abort();
      await running;
    });

    test('shows more paths, to read or to write, and the git directory only to read', async () => {
      await using place = await temporaryDirectory();
      const [read, write] = [join(place.path, 'read'), join(place.path, 'read', 'write')];
      await mkdir(write, { recursive: true });
      await writeFile(join(read, 'file'), 'content');
      await writeFile(join(place.path, 'hidden'), 'hidden');
      await sandbox.chownToSandboxUser(read);
      const script = `cat ${read}/file; ls ${place.path}; touch ${read}/no; touch ${write}/yes; touch ${world.repository}/no`;
      const { tail } = await bash(world, script, { readable: [read], writable: [write] });
      expect(tail).toContain('contentread\n');
      expect((await lstat(join(write, 'yes'))).isFile()).toBe(true);
      await expect(lstat(join(read, 'no'))).rejects.toThrow('ENOENT');
      await expect(lstat(join(world.repository, 'no'))).rejects.toThrow('ENOENT');
    });

    test('has nothing but the project at its place, wherever the worktree is', async () => {
      const deep = join(world.worktree, 'deep');
      await mkdir(deep, { recursive: true });
      await sandbox.chownToSandboxUser(deep);
      const script = `pwd; echo made > made; git rev-parse --show-toplevel; ls ${dirname(PROJECT)} ${dirname(world.worktree)}`;
      const { ending, tail } = await bash(world, script, { cwd: deep });
      expect(ending, tail).toMatchObject({ kind: 'exited' });
      expect(tail).toContain(`${PROJECT}/deep\n${PROJECT}\n`);
      expect(tail).toContain('project\n');
      expect(tail).not.toContain('sibling');
      expect(await readFile(join(deep, 'made'), 'utf8')).toBe('made\n');
      for (const path of [PROJECT, join(PROJECT, 'below'), dirname(PROJECT), '/'])
        expect((await bash(world, 'true', { readable: [path] })).ending).toEqual({
          kind: 'not-started',
          reason: `\`${path}\` and the project at ${PROJECT} would cover each other`,
        });
    });

    test('has no rights of its own, and nobody can get more', async () => {
      const script = `grep -E '^(Cap|NoNewPrivs)' /proc/self/status; id -u`;
      const { tail } = await bash(world, script);
      expect(tail.match(/^Cap\w+:\t0+$/gm)).toHaveLength(5);
      expect(tail).toContain('NoNewPrivs:\t1');
      expect(tail).toMatch(new RegExp(`^${isRoot() ? INSIDE_UID : process.getuid?.()}$`, 'm'));
    });

    test('holds each process to its limits', async () => {
      const script = 'ulimit -c; ulimit -t; ulimit -n; ulimit -f';
      const { tail } = await bash(world, script, { totalMs: 3_000 });
      const [core, cpu, files, size] = tail.trim().split('\n').map(Number);
      expect(core).toBe(0);
      expect(cpu).toBeGreaterThanOrEqual(13);
      expect(cpu).toBeLessThan(3 * 256 + 11);
      expect(files).toBeLessThanOrEqual(16_384);
      expect(size).toBe(4 * 1024 * 1024);
    });
  },
);

describe.skipIf(missing !== undefined || !isRoot())('bubblewrap as root', () => {
  test.each(['/root', '/var/lib', '/home'])(
    'reaches a worktree behind a closed directory in %s',
    async (parent) => {
      const closed = await mkdtemp(join(parent, 'choo-closed-')); // 0700
      try {
        await using world = await makeWorld(0, closed);
        await chmod(join(closed), 0o700);
        await writeFile(join(closed, 'key'), 'the-key', { mode: 0o644 });
        await sandbox.chownToSandboxUser(world.worktree);
        const script = `git status --short && echo mine > file && cat file; cat ${closed}/key; ls -a ${closed}`;
        const { ending, tail } = await bash(world, script);
        expect(ending, tail).toMatchObject({ kind: 'exited', exitCode: 0 });
        expect(tail).toContain('mine\n');
        expect(tail).not.toContain('the-key');
        expect(await readFile(join(world.worktree, 'file'), 'utf8')).toBe('mine\n');
        expect((await stat(closed)).mode & 0o777).toBe(0o700);
      } finally {
        await rm(closed, { recursive: true, force: true });
      }
    },
  );

  test('ends a daemon behind a closed directory too', async () => {
    await using place = await temporaryDirectory(); // 0700
    await using world = await makeWorld(0, place.path);
    await sandbox.chownToSandboxUser(world.worktree);
    const sleep = uniqueSleep();
    const script = `(setsid ${sleep} </dev/null >/dev/null 2>&1 3>&- 4>&- &); until pgrep -x sleep >/dev/null; do :; done`;
    expect((await bash(world, script)).ending).toEqual({ kind: 'exited', exitCode: 0 });
    expect(processesRunning(sleep)).toEqual([]);
  });

  test('hands over a tree, and only the link where one was planted', async () => {
    await using place = await temporaryDirectory();
    const [outside, inside] = [join(place.path, 'outside'), join(place.path, 'inside')];
    await mkdir(join(inside, 'deep'), { recursive: true });
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), '');
    await writeFile(join(inside, 'deep', '--file'), '');
    await symlink(join(outside, 'secret'), join(inside, 'deep', 'to-file'));
    await symlink(outside, join(inside, 'to-directory'));
    await sandbox.chownToSandboxUser(inside);
    const owner = async (...path: string[]): Promise<number> => (await lstat(join(place.path, ...path))).uid;
    expect(await owner('outside')).toBe(0);
    expect(await owner('outside', 'secret')).toBe(0);
    for (const path of ['.', 'deep', 'deep/--file', 'deep/to-file', 'to-directory']) {
      expect(await owner('inside', path), path).toBe(INSIDE_UID);
    }
    await sandbox.chownToSandboxUser(join(inside, 'to-directory')); // itself a link
    expect(await owner('outside')).toBe(0);
  });

  test('says so when a path cannot be handed over', async () => {
    await expect(sandbox.chownToSandboxUser('/no/such/place')).rejects.toThrow('`/no/such/place`');
  });

  test.each(['root', 'ordinary'] as const)('shows of /etc what programs need, as %s', async (who) => {
    await using actor = startActor(who);
    await using world = await makeWorld(actor.uid);
    const planted = await mkdtemp('/etc/choo-test-');
    try {
      await chmod(planted, 0o755);
      const own = join(planted, 'own');
      await mkdir(own, { mode: 0o700 });
      const files = {
        open: 'the-open',
        key: '-----BEGIN PRIVATE KEY-----\n',
        closed: 'the-closed',
        'own/file': 'the-own',
      };
      for (const [name, text] of Object.entries(files)) await writeFile(join(planted, name), text);
      await chmod(join(planted, 'closed'), 0o600);
      await symlink('open', join(planted, 'link'));
      for (const path of [join(planted, 'closed'), own, join(own, 'file')])
        await chown(path, actor.uid, actor.uid);
      const exec = async (script: string, machine?: MachineOf): Promise<string> => {
        const sandbox = actor.sandbox('bubblewrap', machine && { machine });
        await sandbox.chownToSandboxUser(world.worktree);
        const argv = ['bash', '-c', script] as const;
        const execution = { profile: 'gate', cwd: world.worktree, totalMs: 10_000, argv } as const;
        return (await sandbox.exec(world.workplace, execution)).tail;
      };
      const read = `cd ${planted} && cat open link closed own/file key; ls`;
      expect(await exec(read)).not.toContain('the-');
      const machine = { environment: {}, home: world.outside, directory: world.outside };
      const seen = await exec(read, { ...machine, read: [planted] });
      expect(seen).toContain('the-openthe-open');
      expect(seen).not.toMatch(/the-closed|the-own|PRIVATE/);
      const tools = `ls /etc >/dev/null && id -un && getent hosts localhost >/dev/null && echo names
        python3 -c 'import ssl; print(len(ssl.create_default_context().get_ca_certs()) > 0 or "by directory")'
        [ "$(ls /etc/ssl/certs | wc -l)" -gt 50 ] && echo certificates; perl -MIO::Socket -e 'print "perl\\n"'
        test -e /etc/ld.so.cache && echo libraries; awk 'BEGIN { print "alternatives" }'; touch /etc/new || echo read-only`;
      const printed = await exec(tools);
      const expected = 'choo,names,certificates,perl,libraries,alternatives,read-only';
      for (const word of expected.split(',')) expect(printed).toContain(word);
    } finally {
      await rm(planted, { recursive: true, force: true });
    }
  });

  test.each(['root', 'ordinary'] as const)('gains nothing by a setuid program, as %s', async (who) => {
    await using actor = startActor(who);
    await using world = await makeWorld(actor.uid);
    const inside = actor.sandbox('bubblewrap');
    await inside.chownToSandboxUser(world.worktree);
    // Made by a person, or by whatever else wrote there: it belongs to root, as does what only root may read.
    const [tool, secret] = ['tool', 'secret'].map((name) => join(world.worktree, name));
    await copyFile('/usr/bin/cat', tool ?? '');
    await chmod(tool ?? '', 0o4755);
    await writeFile(secret ?? '', 'the-secret', { mode: 0o600 });
    const script = `./tool secret; awk '$6 !~ /nosuid/ { print "mounted", $5 }' /proc/self/mountinfo; echo end`;
    const argv = ['bash', '-c', script] as const;
    const execution = { profile: 'gate', argv, cwd: world.worktree, totalMs: 10_000 } as const;
    const onHost = actor.sandbox('host');
    expect((await onHost.exec(world.workplace, execution)).tail).toContain('the-secret');
    expect((await inside.exec(world.workplace, execution)).tail).not.toMatch(/the-secret|mounted/);
    expect((await inside.exec(world.workplace, execution)).tail).toContain('end');
  });

  test('has another copy of /etc when it changed, and one for what is the same', async () => {
    await using place = await temporaryDirectory();
    const chosen = join(await mkdtemp('/etc/choo-test-'), 'chosen');
    try {
      const options = { directory: place.path, own: { passwd: 'x' }, chosen: [dirname(chosen)] };
      await chmod(dirname(chosen), 0o755);
      await writeFile(chosen, 'one');
      const first = await openEtc(options)();
      expect(await openEtc(options)()).toBe(first);
      await writeFile(chosen, 'another');
      const second = await openEtc(options)();
      expect(second).not.toBe(first);
      expect(await readFile(second + chosen.slice('/etc'.length), 'utf8')).toBe('another');
      const old = new Date(Date.now() - 8 * 24 * 60 * 60_000);
      await utimes(first, old, old);
      await writeFile(chosen, 'a third');
      await openEtc(options)();
      expect(await readdir(join(place.path, 'etc'))).toHaveLength(2);
    } finally {
      await rm(dirname(chosen), { recursive: true, force: true });
    }
  });
});
