import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { openHostSandbox } from '../../../../src/sandbox/host.ts';
import { type ExecResult, type Execution, MAX_LINE, TAIL_LENGTH } from '../../../../src/sandbox/sandbox.ts';
import { processesRunning } from '../../../fixtures/sandbox/actor.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const sandbox = openHostSandbox({
  searchPath: '/usr/local/bin:/usr/bin:/bin',
  owner: `runner-test-${process.pid}`,
  home: '/tmp',
});

/** Runs a few words of bash. */
async function bash(script: string, execution: Partial<Execution> = {}): Promise<ExecResult> {
  const workplace = { worktree: '/tmp', readable: [] };
  const argv = ['bash', '-c', script] as const;
  return await sandbox.exec(workplace, { profile: 'gate', argv, cwd: '/tmp', totalMs: 20_000, ...execution });
}

/** A number of seconds to sleep that no other process sleeps. */
let sleeps = 0;
function uniqueSleep(): string {
  sleeps += 1;
  return `sleep ${process.pid}${sleeps}.25`;
}

/** The most memory that this process has held more than at the start. MiB. */
function watchMemory(): Disposable & { readonly growth: number } {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5);
  return {
    get growth() {
      return (most - before) / 1024 / 1024;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

describe('the runner', () => {
  test.each([0, 3, 255])('tells exit code %d', async (exitCode) => {
    expect((await bash(`exit ${exitCode}`)).ending).toEqual({ kind: 'exited', exitCode });
  });

  test('gives a command no descriptor that whoever started choo left open', async () => {
    const script = `
      import { openHostSandbox } from ${JSON.stringify(join(import.meta.dirname, '../../../../src/sandbox/host.ts'))};
      const sandbox = openHostSandbox({ searchPath: '/usr/bin:/bin', owner: 'inherited-test', home: '/tmp' });
      const argv = ['bash', '-c', 'readlink /proc/self/fd/* 2>&1; exit 7'];
      const { ending, tail } = await sandbox.exec({ worktree: '/tmp', readable: [] }, { profile: 'gate', argv, cwd: '/tmp' });
      console.log(ending.exitCode, tail);`;
    const { stdout } = await execa('bash', [
      '-c',
      'exec 40</etc 200</usr; exec "$0" --input-type=module -e "$1"',
      process.execPath,
      script,
    ]);
    expect(stdout).toMatch(/^7 /);
    expect(stdout).toContain('/dev/null');
    expect(stdout).not.toMatch(/^\/(?:etc|usr)$/m);
  });

  test('tells the signal that ended it', async () => {
    expect((await bash('kill -SEGV $$')).ending).toEqual({ kind: 'killed', signal: 'SIGSEGV' });
  });

  test('says what could not be started', async () => {
    const argv = ['no-such-program'] as const;
    expect((await bash('', { argv })).ending).toMatchObject({
      kind: 'not-started',
      reason: expect.stringContaining('no-such-program'),
    });
    expect((await bash('', { cwd: '/no/such/place' })).ending).toEqual({
      kind: 'not-started',
      reason: '/no/such/place: no such directory',
    });
    expect((await bash('', { argv: ['/etc/passwd'] })).ending.kind).toBe('not-started');
    expect((await bash('', { argv: ['echo', 'x'.repeat(200_000)] })).ending.kind).toBe('not-started');
    expect((await bash('', { argv: ['echo', 'a\0b'] })).ending.kind).toBe('not-started');
  });

  test('gives a small environment and nothing of choo', async () => {
    const { tail } = await bash('env', { env: { EXTRA: 'x y' } });
    const names = tail
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    const ofBash = ['PWD', 'SHLVL', '_'];
    const own = ['CHOO_OWNER', 'EXTRA', 'HOME', 'LANG', 'PATH', 'TMPDIR'];
    expect(new Set(names)).toEqual(new Set([...own, ...ofBash]));
    expect(tail).toContain('EXTRA=x y');
  });

  test('keeps the ends of both streams in the order they came', async () => {
    const { tail } = await bash('echo a; sleep 0.1; echo b >&2; sleep 0.1; echo c');
    expect(tail).toBe('a\nb\nc\n');
    const long = (await bash('head -c 100000 /dev/zero | tr "\\0" x; echo; echo end >&2')).tail;
    expect(long).toHaveLength(TAIL_LENGTH);
    expect(long).toMatch(/xx\nend\n$/);
  });

  test('hands on whole lines, of whole characters, of standard output only', async () => {
    const lines: string[] = [];
    const halves = `printf 'ä\\xc3'; sleep 0.1; printf '\\xa4\\nlast'; echo error >&2`;
    await bash(halves, { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(['ää', 'last']);
  });

  test('cuts a line without end', async () => {
    const lengths: number[] = [];
    const script = 'head -c 10000000 /dev/zero | tr "\\0" x; echo; echo short';
    await bash(script, { onLine: (line) => lengths.push(line.length) });
    expect(lengths).toEqual([MAX_LINE, 5]);
  });

  test('passes on what a listener throws, after ending the command', async () => {
    const sleep = uniqueSleep();
    const onLine = (line: string): void => {
      throw new Error(`did not expect ${line}`);
    };
    await expect(bash(`echo x; ${sleep}`, { onLine })).rejects.toThrow('did not expect x');
    expect(processesRunning(sleep)).toEqual([]);
  });

  test('feeds standard input, also to one who does not read it', async () => {
    const stdin = 'x'.repeat(5_000_000);
    expect((await bash('wc -c', { stdin })).tail.trim()).toBe('5000000');
    expect((await bash('exec <&-; exit 4', { stdin })).ending).toEqual({ kind: 'exited', exitCode: 4 });
    expect((await bash('sleep 0.05', { stdin })).ending).toEqual({ kind: 'exited', exitCode: 0 });
    expect((await bash('cat')).tail).toBe('');
  });

  test('ends what takes too long', async () => {
    const sleep = uniqueSleep();
    const { ending, durationMs } = await bash(`${sleep} & wait`, { totalMs: 100 });
    expect(ending).toEqual({ kind: 'timed-out', limitMs: 100 });
    expect(durationMs).toBeLessThan(1_500);
    expect(processesRunning(sleep)).toEqual([]);
  });

  test('ends what prints nothing for too long, and nothing else', async () => {
    const steps = 'for i in 1 2 3 4; do sleep 0.1; echo $i >&2; done';
    const { ending, tail } = await bash(`${steps}; ${uniqueSleep()}`, { idleMs: 300 });
    expect(ending).toEqual({ kind: 'stalled', limitMs: 300 });
    expect(tail).toBe('1\n2\n3\n4\n');
  });

  test('asks before it kills, and kills who does not listen', async () => {
    const polite = await bash('trap "echo bye; exit 0" TERM; echo; sleep 100 & wait', { totalMs: 200 });
    expect(polite).toMatchObject({ ending: { kind: 'timed-out' }, tail: '\nbye\n' });
    const sleep = uniqueSleep();
    const deaf = await bash(`trap "" TERM; ${sleep} & wait; wait`, { totalMs: 100 });
    expect(deaf.ending.kind).toBe('timed-out');
    expect(deaf.durationMs).toBeGreaterThan(2_000);
    expect(processesRunning(sleep)).toEqual([]);
  });

  test('is cancelled by a signal, before and while it runs', async () => {
    const sleep = uniqueSleep();
    const abort = new AbortController();
    const onLine = (): void => abort.abort();
    const run = { signal: abort.signal, onLine };
    expect((await bash(`echo x; ${sleep}`, run)).ending).toEqual({ kind: 'cancelled' });
    expect((await bash('echo x', run)).ending).toEqual({ kind: 'cancelled' });
    expect(processesRunning(sleep)).toEqual([]);
  });

  test.each([
    ['holds the pipe', '& echo'],
    ['holds nothing', '>/dev/null 2>&1 & echo'],
  ])('ends a child in the background that %s, and does not wait for it', async (_, rest) => {
    const sleep = uniqueSleep();
    const { ending, durationMs } = await bash(`${sleep} ${rest} started`);
    expect(ending).toEqual({ kind: 'exited', exitCode: 0 });
    expect(durationMs).toBeLessThan(1_500);
    expect(processesRunning(sleep)).toEqual([]);
  });

  test('does not wait for one that cannot be found and holds the pipe', async () => {
    const sleep = uniqueSleep();
    await using place = await temporaryDirectory();
    const hidden = `env -i setsid bash -c 'touch there; exec ${sleep}'`;
    const script = `${hidden} & until [ -e there ]; do sleep 0.01; done; echo started`;
    const { tail, durationMs } = await bash(script, { cwd: place.path });
    for (const pid of processesRunning(sleep)) process.kill(pid);
    expect(tail).toBe('started\n');
    expect(durationMs).toBeLessThan(5_000);
  });
});

describe('a log', () => {
  test('gets both streams, and is appended to', async () => {
    await using place = await temporaryDirectory();
    const logFile = join(place.path, 'log');
    await bash('echo a; sleep 0.1; echo b >&2', { logFile });
    await bash('echo c', { logFile });
    expect(await readFile(logFile, 'utf8')).toBe('a\nb\nc\n');
  });

  test('ends at its limit, with a line that says so', async () => {
    await using place = await temporaryDirectory();
    const logFile = join(place.path, 'log');
    await bash('echo 12345678; sleep 0.1; echo more; sleep 0.1; echo more', { logFile, logBytes: 10 });
    const text = '12345678\nm\n[choo: the log ends here, after 10 bytes; the rest is left out]\n';
    expect(await readFile(logFile, 'utf8')).toBe(text);
  });

  test('that cannot be written is told in the tail', async () => {
    const { ending, tail } = await bash('echo a', { logFile: '/no/such/place/log' });
    expect(ending).toEqual({ kind: 'exited', exitCode: 0 });
    expect(tail).toMatch(/^a\n\n\[choo: the log is incomplete: ENOENT.*\]\n$/);
  });

  test('that is slower than the command slows it down, whatever it prints: memory stays flat', async () => {
    await using place = await temporaryDirectory();
    const logFile = join(place.path, 'log');
    using memory = watchMemory();
    const script = 'yes "$(head -c 200 /dev/zero | tr "\\0" x)" | head -c 200000000';
    const { ending, tail } = await bash(script, { logFile, logBytes: 150_000_000 });
    expect(ending).toEqual({ kind: 'exited', exitCode: 0 });
    expect(tail).toHaveLength(TAIL_LENGTH);
    expect((await stat(logFile)).size).toBe(150_000_000 + 72);
    expect(memory.growth).toBeLessThan(100);
  });

  test('that takes nothing makes the command wait', async () => {
    await using place = await temporaryDirectory();
    const logFile = join(place.path, 'pipe');
    await bash(`mkfifo ${logFile}`);
    using memory = watchMemory();
    const script = `head -c 1000000 /dev/zero; touch ${place.path}/began; head -c 120000000 /dev/zero`;
    const printing = bash(script, { logFile, logBytes: 1_000_000_000 });
    const reading = bash(`sleep 0.3; ls ${place.path}; cat ${logFile} | wc -c`);
    const { ending } = await printing;
    expect(ending).toEqual({ kind: 'exited', exitCode: 0 });
    expect((await reading).tail).toBe('pipe\n121000000\n');
    expect(memory.growth).toBeLessThan(60);
  });
});
