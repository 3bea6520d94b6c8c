import type { SpecFile } from '../discovery/unit.ts';
import { ChooError } from '../errors.ts';
import { findCodeBlocks } from '../text/markdown-code.ts';
import type { Assignment, Invocation, LineParser, Provider } from './provider.ts';
import { textEvents } from './stream.ts';

/**
 * Carries out what the task file itself says, in a fenced block marked `sh rehearsal` or `diff rehearsal`: no model, no
 * network, no cost.
 */
export const rehearsal: Provider = {
  name: 'rehearsal',
  title: 'the block of the task itself',
  executable: 'bash',
  installation: 'install bash with the packages of your system',
  authentication: 'none is needed',
  profile: 'gate',
  variables: [],
  steeredBy: [],
  invocation,
  createParser: (): LineParser => textEvents,
};

function invocation({ task, args = [], command }: Assignment): Invocation {
  const block = findRehearsal(task.file);
  return {
    executable: command ?? rehearsal.executable,
    // Without --norc, bash takes a socket as its standard input for a remote login, and runs somebody's .bashrc.
    args: ['--norc', '-eu', ...(block.kind === 'sh' ? ['-s', '--', ...args] : ['-c', APPLY])],
    // With no repository to find, git takes the paths of a diff from the directory it is in. Inside a subdirectory of
    // one it would leave out what lies elsewhere, and call that success.
    env: block.kind === 'diff' ? { GIT_DIR: '/dev/null' } : {},
    stdin: block.kind === 'sh' ? grouped(block.content) : block.content,
    files: {},
  };
}

/**
 * One group, which bash reads to its end before it runs any of it. Else a command that reads its standard input would eat
 * the rest of the script, and the status would be 0.
 */
function grouped(script: string): string {
  return `{ :\n${script}\n} </dev/null\n`;
}

const APPLY = 'exec git apply --whitespace=nowarn -';

interface Rehearsal {
  readonly kind: 'sh' | 'diff';
  readonly content: string;
}

/** The one block of a task file that a rehearsal carries out. */
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

/** The opening line of a fenced block: its indentation, its mark, its info string, its line end. */
const OPENING = /^( {0,3})(`{3,}|~{3,})[ \t]*(sh|diff)[ \t]+rehearsal[ \t]*(\r?)\n/;

function readBlock(source: string): Rehearsal | undefined {
  const opening = OPENING.exec(source);
  if (opening === null) return undefined;
  const [first, indent = '', mark = '', kind, carriageReturn] = opening;
  const lines = source.slice(first.length).split('\n');
  const last = lines.at(-1)?.trim() ?? '';
  if (last === '' || last === mark[0]?.repeat(Math.max(last.length, mark.length))) lines.pop(); // what ends an unclosed block may be text
  const body = lines.map((line) => {
    // The block is indented as its fence is, and its lines end as those of the file do.
    const inner = line.slice(Math.min(indent.length, /^ */.exec(line)?.[0].length ?? 0));
    return carriageReturn === '' ? inner : inner.replace(/\r$/, '');
  });
  return { kind: kind === 'sh' ? 'sh' : 'diff', content: body.map((line) => `${line}\n`).join('') };
}
