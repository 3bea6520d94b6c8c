import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { acquireServerLock } from '../../src/store/embedded/server-lock.ts';

/** The real program as `script/bootstrap` makes it, as words of a command line. */
export const CHOO = [process.execPath, await findProgram()] as const;

/** As `script/choo` sets it: a start of the program takes half the time. */
export const NODE_COMPILE_CACHE = fileURLToPath(
  new URL('../../node_modules/.cache/compiled', import.meta.url),
);

/** What a command line did, as a shell sees it. */
export interface Outcome {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program in a directory. Of this machine's environment it gets the PATH and nothing else; `environment` adds to
 * that. Never rejects for how the program ends.
 */
export async function runProgram(
  cwd: string,
  [file, ...args]: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await execa(file, args, {
    cwd,
    extendEnv: false,
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', NODE_COMPILE_CACHE, ...environment },
    stdin: 'ignore',
    reject: false,
    stripFinalNewline: false,
  });
  return { exitCode, stdout, stderr };
}

/** Runs `choo` with these arguments. */
export async function runChoo(
  cwd: string,
  args: readonly string[],
  environment?: Readonly<Record<string, string>>,
): Promise<Outcome> {
  return runProgram(cwd, [...CHOO, ...args], environment);
}

/** Until a program has printed this; it may go on printing, and is read on. Rejects when it ends before. */
export async function untilPrinted(stream: Readable, text: string): Promise<void> {
  let seen = '';
  await new Promise<void>((resolve, reject) => {
    stream.on('data', (chunk: Buffer | string) => {
      seen = (seen + String(chunk)).slice(-10_000);
      if (seen.includes(text)) resolve();
    });
    stream.once('end', () => reject(new Error(`it never printed \`${text}\`; its last words: ${seen}`)));
  });
}

/** The bundle of the present sources, made by the first test of a run that asks for it. */
async function findProgram(): Promise<string> {
  const { stdout: name } = await execa(fileURLToPath(new URL('../../script/sources', import.meta.url)));
  const program = fileURLToPath(new URL(`../../node_modules/.cache/choo/${name}/cli.js`, import.meta.url));
  if (existsSync(program)) return program;
  await using _ = await acquireServerLock(join(tmpdir(), 'choo-bundle-turn'));
  const { stdout } = await execa('node', [fileURLToPath(new URL('../../script/bundle.ts', import.meta.url))]);
  return stdout;
}
