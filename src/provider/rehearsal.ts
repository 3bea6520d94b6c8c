import type { SpecFile } from '../discovery/unit.ts';
import { ChooError } from '../errors.ts';
import { findCodeBlocks } from '../text/markdown-code.ts';
import type { Assignment, Invocation, LineParser, Provider } from './provider.ts';
import { textEvents } from './stream.ts';

/**
 * Executes the task file's own fenced block, marked `sh rehearsal` or `diff rehearsal`: no model, no network, no cost. For work
 * on a whole unit it is the block of the plan file, which is told what it plays by variables.
 */
export const rehearsal: Provider = {
  name: 'rehearsal',
  title: 'a code block in the task',
  executable: 'bash',
  installation: 'install bash with the packages of your system',
  authentication: 'none is needed',
  profile: 'gate',
  variables: [],
  steeredBy: [],
  invocation,
  createParser: (): LineParser => textEvents,
};

function invocation({ task, args = [], command, rehearsed }: Assignment): Invocation {
  const block = findRehearsal(task.file);
  return {
    executable: command ?? rehearsal.executable,
    // Without --norc, bash takes a socket as standard input for a remote login and runs a .bashrc.
    args: ['--norc', '-eu', ...(block.kind === 'sh' ? ['-s', '--', ...args] : ['-c', APPLY])],
    // Outside a repository, git applies the paths of a diff relative to the working directory. In a subdirectory of a
    // repository it would skip paths elsewhere and still exit with 0.
    env: block.kind === 'diff' ? { GIT_DIR: '/dev/null' } : { ...rehearsed },
    stdin: block.kind === 'sh' ? grouped(block.content) : block.content,
    files: {},
  };
}

/**
 * Makes a script one group, which bash reads completely before it runs it. Otherwise a command that reads standard input
 * would consume the rest of the script, and the status would be 0.
 */
function grouped(script: string): string {
  return `{ :\n${script}\n} </dev/null\n`;
}

const APPLY = 'exec git apply --whitespace=nowarn -';

interface Rehearsal {
  readonly kind: 'sh' | 'diff';
  readonly content: string;
}

/** Finds the block of a task file that a rehearsal executes. Throws a ChooError (`usage`) unless there is exactly one. */
function findRehearsal({ path, content, frontMatter }: SpecFile): Rehearsal {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
  const [found, second] = findCodeBlocks(text, frontMatter.bodyStart).flatMap(({ start, end }) => {
    const block = readBlock(text.slice(start, end));
    return block === undefined ? [] : [block];
  });
  if (found === undefined) {
    throw new ChooError('usage', `\`${path}\` has no block for the provider rehearsal`, {
      hint: 'add a fenced block whose first line is ```sh rehearsal or ```diff rehearsal, or name another provider',
    });
  }
  if (second === undefined) return found;
  throw new ChooError('usage', `\`${path}\` has more than one block for the provider rehearsal`, {
    hint: 'join them into one',
  });
}

/** Markdown without the blocks that a rehearsal executes: they are no part of what an agent is asked to do. */
export function withoutRehearsal(text: string): string {
  let rest = '';
  let from = 0;
  for (const { start, end } of findCodeBlocks(text, 0)) {
    if (!OPENING.test(text.slice(start, Math.min(end, start + OPENING_LENGTH)))) continue;
    rest += text.slice(from, start);
    from = end;
  }
  return rest + text.slice(from);
}

/** More of a block need not be read to recognise it. */
const OPENING_LENGTH = 1_000;

/** The opening line of a fenced block: indentation, fence, info string, line end. */
const OPENING = /^( {0,3})(`{3,}|~{3,})[ \t]*(sh|diff)[ \t]+rehearsal[ \t]*(\r?)\n/;

function readBlock(source: string): Rehearsal | undefined {
  const opening = OPENING.exec(source);
  if (opening === null) return undefined;
  const [first, indent = '', mark = '', kind, carriageReturn] = opening;
  const lines = source.slice(first.length).split('\n');
  const last = lines.at(-1)?.trim() ?? '';
  if (last === '' || last === mark[0]?.repeat(Math.max(last.length, mark.length))) lines.pop(); // unless the block is unclosed and its last line is text
  const body = lines.map((line) => {
    // Removes the indentation of the fence, and the line ends of the file.
    const inner = line.slice(Math.min(indent.length, /^ */.exec(line)?.[0].length ?? 0));
    return carriageReturn === '' ? inner : inner.replace(/\r$/, '');
  });
  return { kind: kind === 'sh' ? 'sh' : 'diff', content: body.map((line) => `${line}\n`).join('') };
}
