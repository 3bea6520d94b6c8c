import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { openPosixSpawn, type ProgramStart } from '../../../src/system/posix-spawn.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const posixSpawn = await openPosixSpawn();
const why = posixSpawn === undefined ? ' (skipped: no glibc 2.34 or no koffi for this machine)' : '';

/** All that a program has from whoever started it. */
const STATE = `
echo "$0 $*"; pwd; umask; ulimit -a; ulimit -Ha; nice; env | sort
grep -E '^(Sig[BIC]|Shd|Cap|Uid|Gid|Groups|NoNewPrivs|Seccomp)' /proc/$$/status
for fd in /proc/$$/fd/*; do [ -h "$fd" ] && printf 'descriptor %s ' "\${fd##*/}" && readlink "$fd"; done
read -r line < /proc/$$/stat; set -- $line
[ "$5 $6" = "$$ $$" ] && echo 'leads its group and its session'
cat; echo error >&2; echo more >&4; cat <&3`;

describe.skipIf(posixSpawn === undefined)(`posix_spawn${why}`, () => {
  const start = (program: Partial<ProgramStart> & Pick<ProgramStart, 'argv'>) =>
    posixSpawn?.({
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...program,
    });

  test('gives a program all that Node gives it, and nothing else', async () => {
    await using directory = await temporaryDirectory();
    const program: ProgramStart = {
      argv: ['sh', '-c', STATE, 'name', "it's", 'one more\n'],
      cwd: directory.path,
      env: { PATH: '/nowhere:/usr/bin:/bin', EMPTY: '', TEXT: 'a=b\nc é' },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    };
    const outcome = async ({ stdio }: { readonly stdio: readonly unknown[] }) => {
      const [input, output, error, more, last] = stdio as NodeJS.Socket[];
      input?.end('input\n');
      more?.end('more input\n');
      const [printed = '', ...others] = await Promise.all(
        [output, error, last].map(async (each) => text(each as never)),
      );
      return [printed.replaceAll(/^(descriptor \d \w+:)\[\d+\]$/gm, '$1'), ...others];
    };
    const [file, ...args] = program.argv;
    const byNode = spawn(file, args, { ...program, stdio: [...program.stdio], detached: true });
    const [printed = '', ...others] = await outcome(byNode);
    // Node passes on what this very process was left open by others.
    const expected = [printed.replaceAll(/^descriptor (?:[5-9]|\d\d+) .*\n/gm, ''), ...others];
    const started = posixSpawn?.(program);
    expect(await outcome(started ?? { stdio: [] })).toEqual(expected);
    expect(expected[0]).toContain('leads its group and its session');
    expect(expected[0]).toMatch(/input\nmore input\n$/);
    expect(await started?.exited).toEqual({ code: 0, signal: null });
  });

  test.each([
    ['exit 0', { code: 0, signal: null }],
    ['exit 255', { code: 255, signal: null }],
    ['exit 137', { code: 137, signal: null }],
    ['kill -KILL $$', { code: null, signal: 'SIGKILL' }],
    ['kill -ABRT $$', { code: null, signal: 'SIGABRT' }],
    ['exec >&- 2>&-; sleep 0.2; exit 3', { code: 3, signal: null }],
  ])('tells how `%s` ended', async (command, end) => {
    const all = [1, 2, 3].map(() => start({ argv: ['sh', '-c', command] }));
    expect(await Promise.all(all.map(async (each) => each?.exited))).toEqual([end, end, end]);
  });

  test('starts nothing where Node is to say what is wrong, and leaves nothing open', async () => {
    await using directory = await temporaryDirectory();
    const script = join(directory.path, 'script');
    writeFileSync(script, 'exit 0\n');
    chmodSync(script, 0o755); // without `#!` only a shell runs it
    const before = readdirSync('/proc/self/fd');
    for (const program of [
      { argv: ['no-such-program'] },
      { argv: ['/no/such/program'] },
      { argv: [directory.path] },
      { argv: [script] },
      { argv: ['sh', '-c', 'exit 0\0'] },
      { argv: ['sh'], cwd: '/no/such/directory' },
      { argv: ['sh'], env: { PATH: '/usr/bin:/bin', NAME: 'a\0OTHER=b' } },
      { argv: ['sh', 'x'.repeat(200_000)] },
    ] as const)
      expect(start(program), program.argv[0]).toBeUndefined();
    expect(readdirSync('/proc/self/fd')).toEqual(before);
  });

  test('keeps Node running as long as a program does', async () => {
    const module = new URL('../../../src/system/posix-spawn.ts', import.meta.url).href;
    const code = `
      const { openPosixSpawn } = await import('${module}');
      const start = await openPosixSpawn();
      const { exited } = start({ argv: ['sh', '-c', 'exec >&- 2>&-; sleep 0.5; exit 4'], cwd: '/',
        env: { PATH: '/usr/bin:/bin' }, stdio: ['ignore', 'pipe', 'pipe'] });
      exited.then(({ code }) => console.log(code));`;
    const { stdout } = await execa(process.execPath, ['--input-type=module', '--eval', code]);
    expect(stdout).toBe('4');
  });
});
