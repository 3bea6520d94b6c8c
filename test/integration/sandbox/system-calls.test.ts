import { expect, test } from 'vitest';
import type { ExecResult } from '../../../src/sandbox/sandbox.ts';
import { type CallName, numberOf } from '../../fixtures/sandbox/kernel-attacks.ts';
import { whyNoBubblewrap } from '../../fixtures/sandbox/missing.ts';
import { describeAsEachUser } from '../../helpers/each-user.ts';

const missing = whyNoBubblewrap();
const [EPERM, ENOSYS, EAFNOSUPPORT, EPROTONOSUPPORT] = [1, 38, 97, 93];

/** A system call with its arguments, and the error that it must answer with; 0: it works. */
const CALLS: readonly (readonly [call: CallName, args: string, error: number])[] = [
  ['add_key', '0, 0, 0, 0, 0', EPERM],
  ['request_key', '0, 0, 0, 0', EPERM],
  ['keyctl', '0, -3, 1', EPERM],
  ['ptrace', '0, 0, 0, 0', EPERM],
  ['process_vm_readv', '$$, 0, 0, 0, 0, 0', EPERM],
  ['process_vm_writev', '$$, 0, 0, 0, 0, 0', EPERM],
  ['kcmp', '$$, $$, 0, 0, 0', EPERM],
  ['pidfd_getfd', '-1, 0, 0', EPERM],
  ['bpf', '0, 0, 0', EPERM],
  ['perf_event_open', '0, 0, 0, 0, 0', EPERM],
  ['userfaultfd', '1', EPERM],
  ['io_uring_setup', '1, 0', EPERM],
  ['io_uring_enter', '-1, 0, 0, 0, 0, 0', EPERM],
  ['io_uring_register', '-1, 0, 0, 0', EPERM],
  ['memfd_secret', '0', EPERM],
  ['clone3', '0, 0', ENOSYS],
  ['mount', '0, 0, 0, 0, 0', EPERM],
  ['setns', '-1, 0', EPERM],
  ['unshare', '0x10000000', EPERM],
  ['unshare', '0x80', EPERM],
  ['unshare', '0x200', 0],
];

/** Sockets by family, type and protocol. */
const SOCKETS: readonly (readonly [socket: readonly [number, number, number], error: number])[] = [
  [[1, 1, 0], 0],
  [[2, 1, 0], 0],
  [[10, 1, 0], 0],
  [[16, 3, 0], 0],
  [[16, 3, 15], EPROTONOSUPPORT], // events of devices
  [[17, 3, 0], EAFNOSUPPORT], // packets
  [[38, 5, 0], EAFNOSUPPORT], // the kernel's cryptography
  [[40, 1, 0], EAFNOSUPPORT], // other machines on this host
];

/** A program for i386 of three instructions that ends with 42. */
const FOREIGN = [
  '7f454c46010101000000000000000000020003000100000054800408340000000000000000000000340020000100000000000000',
  '0100000000000000008004080080040860000000600000000500000000100000',
  'b801000000bb2a000000cd80',
].join('');

describeAsEachUser('a command in bubblewrap', missing, (place) => {
  async function run(script: string, profile: 'gate' | 'agent' | 'setup' = 'gate'): Promise<ExecResult> {
    const sandbox = place.actor.sandbox('bubblewrap');
    await sandbox.chownToSandboxUser(place.world.worktree);
    const argv = ['bash', '-c', script] as const;
    return await sandbox.exec(place.world.workplace, {
      profile,
      argv,
      cwd: place.world.worktree,
      totalMs: 60_000,
    });
  }

  test.each(['gate', 'agent', 'setup'] as const)(
    'gets the same answer from every refused call: a %s',
    async (profile) => {
      const script = CALLS.map(
        ([name, args]) => `$! = 0; syscall(${numberOf(name)}, ${args}); print $! + 0, "\\n";`,
      ).join('\n');
      const { tail } = await run(`perl -e '${script}'`, profile);
      const answers = tail.trim().split('\n').map(Number);
      expect(CALLS.map(([name, args], index) => [name, args, answers[index]])).toEqual(CALLS);
    },
  );

  test('opens only sockets of four kinds', async () => {
    const script = SOCKETS.map(
      ([socket]) => `print socket(my $one, ${socket.join(', ')}) ? 0 : $! + 0, "\\n";`,
    ).join('\n');
    const { tail } = await run(`perl -e '${script}'`);
    expect(tail.trim().split('\n').map(Number)).toEqual(SOCKETS.map(([, error]) => error));
  });

  test.skipIf(process.arch !== 'x64')('runs no program of another architecture, nor of x32', async () => {
    const x32 = `perl -e '$! = 0; syscall(0x40000000 + 39); print "x32: ", $! + 0, "\\n"'`;
    const foreign = `perl -e 'print pack("H*", "${FOREIGN}")' > foreign; chmod +x foreign; ./foreign; echo "foreign: $?"`;
    const { tail } = await run(`${x32}; ${foreign}`);
    expect(tail).toContain(`x32: ${ENOSYS}\n`);
    expect(tail).not.toContain('foreign: 42');
  });

  test('runs node, git, python, threads and a database', async () => {
    const database = `set -e; PATH=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1):$PATH
          initdb -D /tmp/data --auth trust -U choo >/dev/null
          pg_ctl -D /tmp/data -o "-k /tmp -h ''" -w start >/dev/null
          psql -h /tmp -U choo postgres -Atc "select 6 * 7"; pg_ctl -D /tmp/data -m fast stop >/dev/null`;
    const others = `set -e; git status --porcelain >/dev/null && echo git
          node -e 'const { Worker } = require("node:worker_threads");
            new Worker("process.exit(3)", { eval: true }).on("exit", (code) => console.log("thread", code))'
          node -e 'console.log(Object.keys(require("node:os").networkInterfaces()).length > 0 ? "interfaces" : "")'
          perl -e 'print "perl\\n"'; script -qec "echo terminal" /dev/null`;
    const { tail } = await run(others);
    for (const word of ['git', 'thread 3', 'interfaces', 'perl', 'terminal']) expect(tail).toContain(word);
    const python = await run(
      `test -x /usr/bin/python3 || { echo threads 42; exit; }
           /usr/bin/python3 -c 'import multiprocessing as m; print("threads", m.Pool(2).map(abs, [-42])[0])'`,
    );
    expect(python.tail).toContain('threads 42');
    const { ending, tail: answer } = await run(
      `id -un; ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { echo 42; exit 0; }\n${database}`,
    );
    expect(answer).toBe('choo\n42\n');
    expect(ending, answer).toEqual({ kind: 'exited', exitCode: 0 });
  });
});
