import { execa } from 'execa';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SpaceLimits } from '../../../src/sandbox/process/watchdog.ts';
import { type ExecResult, type Execution, HOME, PROJECT } from '../../../src/sandbox/sandbox.ts';
import { countProcessesOf, isRoot, processesRunning, startActor } from '../../fixtures/sandbox/actor.ts';
import { ATTACKS, GREETING } from '../../fixtures/sandbox/attacks.ts';
import { KERNEL_ATTACKS } from '../../fixtures/sandbox/kernel-attacks.ts';
import { whyNoBubblewrap } from '../../fixtures/sandbox/missing.ts';
import { makeWorld, type World } from '../../fixtures/sandbox/world.ts';
import { describeAsEachUser } from '../../helpers/each-user.ts';

const MIB = 1024 * 1024;
/** How a condition is waited for, on a machine that may be busy. */
const POLL = { interval: 10, timeout: 10_000 };
const KINDS = ['host', 'bubblewrap'] as const;
const service = createServer((socket) => socket.end(`${GREETING}\n`));
const missing = whyNoBubblewrap();

beforeAll(async () => {
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
});
afterAll(() => service.close());

describeAsEachUser('against a sandbox', missing, (place) => {
  let victim: { readonly pid: number };
  beforeAll(async () => {
    victim = startVictim(place.actor.uid);
  });
  afterAll(() => process.kill(victim.pid, 'SIGKILL'));

  async function attack(
    world: World,
    kind: (typeof KINDS)[number],
    script: string,
    options: Partial<Execution> & { readonly limits?: Partial<SpaceLimits> } = {},
  ): Promise<ExecResult> {
    const { limits = {}, ...execution } = options;
    const sandbox = place.actor.sandbox(kind, { limits });
    await sandbox.chownToSandboxUser(world.worktree);
    const address = service.address();
    return await sandbox.exec(world.workplace, {
      profile: 'gate',
      argv: ['bash', '-c', script],
      cwd: world.worktree,
      env: {
        CHOO_PID: String(place.actor.pid),
        VICTIM: String(victim.pid),
        PORT: String(typeof address === 'object' ? address?.port : ''),
        OUTSIDE: world.outside,
        WORKTREE: sandbox.placeOf(world),
        SIBLING: world.sibling,
        REPOSITORY: world.repository,
      },
      totalMs: 20_000,
      ...execution,
    });
  }

  describe.each([...ATTACKS, ...KERNEL_ATTACKS])('a command that $name', ({ script, worked, onHost }) => {
    test('may do so on the host', async () => {
      await using world = await makeWorld(place.actor.uid);
      const before = countProcessesOf(place.actor.uid);
      const { ending, tail } = await attack(world, 'host', script);
      expect(ending.kind, tail).toBe('exited');
      expect(worked(tail, world), tail).toBe(onHost === 'everybody' || place.who === 'root');
      // The next command may have as many more as there are.
      await expect.poll(() => countProcessesOf(place.actor.uid), POLL).toBeLessThan(before + 50);
    });

    test('cannot in bubblewrap', async () => {
      const { ending, tail } = await attack(place.world, 'bubblewrap', script);
      expect(ending.kind, tail).toBe('exited');
      expect(worked(tail, place.world), tail).toBe(false);
    });
  });

  test('an agent reaches a service of this machine, which its gate cannot', async () => {
    await using world = await makeWorld(place.actor.uid);
    const script =
      'exec 3<>/dev/tcp/127.0.0.1/$PORT && head -n 1 <&3; test -s /etc/resolv.conf && echo names';
    const { tail } = await attack(world, 'bubblewrap', script, { profile: 'agent' });
    expect(tail).toBe(`${GREETING}\nnames\n`);
  });

  test('a command cannot kill a process outside, nor all that it sees', async () => {
    await using world = await makeWorld(place.actor.uid);
    const script = 'kill -9 $VICTIM; kill -9 $CHOO_PID; kill -9 -1; kill -9 1; echo done';
    expect((await attack(world, 'bubblewrap', script)).tail).toContain('done');
    expect(processesRunning('sleep 4242')).toContain(victim.pid);
    const extra = startVictim(place.actor.uid);
    // Before that it may be of root.
    await expect.poll(() => processesRunning('sleep 4242'), POLL).toContain(extra.pid);
    await attack(world, 'host', `kill -9 ${extra.pid}`);
    await expect.poll(() => processesRunning('sleep 4242'), POLL).not.toContain(extra.pid);
  });

  describe.each(KINDS)('in %s', (kind) => {
    test.each([
      ['a session of its own', (daemon: string) => `${daemon} &`],
      ['a parent that is gone', (daemon: string) => `( ( ${daemon} & ) & )`],
    ])('a daemon with %s is ended with its command', async (_, start) => {
      await using world = await makeWorld(place.actor.uid);
      const sleep = `sleep 77${Date.now()}`;
      const daemon = `setsid bash -c 'echo $$ >there; exec ${sleep}' </dev/null >/dev/null 2>&1 3>&- 4>&-`;
      const isReady = 'read -r pid <there && read -r name </proc/$pid/comm && [ "$name" = sleep ]';
      const script = `${start(daemon)}\nuntil ${isReady}; do :; done 2>/dev/null; echo ready`;
      expect((await attack(world, kind, script)).tail).toBe('ready\n');
      expect(processesRunning(sleep)).toEqual([]);
    });

    test('a disk is not filled', async () => {
      await using world = await makeWorld(place.actor.uid);
      const limits = { diskBytes: 20 * MIB, checkMs: 50 };
      const step = 'head -c 1000000 /dev/zero';
      const grow = `for i in {1..150}; do ${step} >> "big$((i % 7))"; sleep 0.02; done; echo end`;
      const over = { kind: 'over-limit', what: 'disk', limitBytes: 20 * MIB };
      expect((await attack(world, kind, grow, { limits })).ending).toEqual(over);
      // A file without a name is in no directory.
      const nameless = `exec 5>gone; rm gone; for i in {1..150}; do ${step} >&5; sleep 0.02; done; echo end`;
      expect((await attack(world, kind, nameless, { limits })).ending).toEqual(over);
    });

    test('memory is not filled', async () => {
      await using world = await makeWorld(place.actor.uid);
      const limits = { memoryBytes: 200 * MIB, checkMs: 50 };
      const eat = 'const all = []; setInterval(() => all.push(Buffer.alloc(8e6, 1)), 10)';
      const result = await attack(world, kind, `node -e '${eat}' & wait`, { limits });
      expect(result.ending).toEqual({ kind: 'over-limit', what: 'memory', limitBytes: 200 * MIB });
    });
  });

  test('every place that can be written in bubblewrap has a size, but for the worktree', async () => {
    await using world = await makeWorld(place.actor.uid);
    const script = `for dir in $(find / -xdev -maxdepth 1 -type d) /dev/shm /var/tmp "$HOME" "$WORKTREE"; do
        touch $dir/probe 2>/dev/null && echo "$dir $(df --output=size -B1 $dir | tail -n 1)"; done`;
    const { tail } = await attack(world, 'bubblewrap', script, { limits: { temporaryBytes: 100 * MIB } });
    const sizes = tail
      .trim()
      .split('\n')
      .map((line) => line.split(/ +/));
    const writable = sizes.map(([path]) => path);
    const expected = ['/tmp', '/run', '/var', '/root', '/dev/shm', '/var/tmp', HOME, PROJECT];
    expect(new Set(writable)).toEqual(new Set(expected));
    const large = sizes.filter(([path, size]) => path !== PROJECT && Number(size) > 100 * MIB);
    expect(large).toEqual([]);
  });

  /** Starts two processes, one in a session of its own, and kills the choo that runs them. */
  async function killChoo(kind: (typeof KINDS)[number], owner: string): Promise<string> {
    await using world = await makeWorld(place.actor.uid);
    await using choo = startActor(place.who);
    const sleep = `sleep 88${Date.now()}`;
    const sandbox = choo.sandbox(kind, { owner });
    await sandbox.chownToSandboxUser(world.worktree);
    const argv = ['bash', '-c', `setsid ${sleep} & ${sleep} & wait`] as const;
    const execution = { profile: 'gate', argv, cwd: world.worktree, totalMs: 60_000 } as const;
    const running = sandbox.exec(world.workplace, execution).catch(() => 'killed');
    await expect.poll(() => processesRunning(sleep).length, POLL).toBe(2);
    choo.kill();
    expect(await running).toBe('killed');
    return sleep;
  }

  test('what runs in bubblewrap dies with choo', async () => {
    const sleep = await killChoo('bubblewrap', `killed-${place.who}-${process.pid}`);
    await expect.poll(() => processesRunning(sleep), POLL).toEqual([]);
  });

  test('what ran on the host is found by the next choo', async () => {
    const owner = `killed-${place.who}-${process.pid}`;
    const sleep = await killChoo('host', owner);
    expect(processesRunning(sleep)).toHaveLength(2);
    expect(await place.actor.endLeftovers(owner.slice(0, -1))).toBe(0);
    expect(processesRunning(sleep)).toHaveLength(2);
    expect(await place.actor.endLeftovers(owner)).toBe(3);
    expect(processesRunning(sleep)).toEqual([]);
  });
});

/** A process of a user that an attack wants to see and kill. */
function startVictim(uid: number): { readonly pid: number } {
  const become = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
  const [file = 'sleep', ...args] = isRoot() ? [...become, 'sleep', '4242'] : ['sleep', '4242'];
  const child = execa(file, args, { reject: false, stdio: 'ignore' });
  return { pid: child.pid ?? 0 };
}
