import { ChooError } from '../../errors.ts';
import type { Git } from '../git.ts';

/** Runs git with paths as its input, each ended by a NUL, and returns its output in characters for bytes. */
export async function feed(
  git: Git,
  paths: readonly string[],
  accepted: readonly number[],
  ...args: readonly string[]
): Promise<string> {
  await using service = await git.start(...args);
  service.stdin.end(Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1'));
  let output = '';
  for await (const chunk of service.stdout.setEncoding('latin1')) output += String(chunk);
  const { exitCode, stderr } = await service.ended;
  if (exitCode !== undefined && accepted.includes(exitCode)) return output;
  throw new ChooError(
    'git',
    `git ${args.find((word) => !word.startsWith('-')) ?? ''} failed: ${stderr.trim() || 'it was ended'}`,
  );
}
