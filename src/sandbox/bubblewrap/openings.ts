import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findExecutable } from '../../system/executables.ts';
import type { Openings } from '../sandbox.ts';

/** Paths that are watched at most; each is a watch of inotify. */
const MAX_WATCHED = 2_000;

interface OpenLayers {
  readonly worktree: string;
  readonly overlays: readonly { readonly at: string }[];
  /** A directory of the command, which it does not see. */
  readonly scratch: string | undefined;
}

/** Watches which files of its worktree a command opens. */
interface Watch {
  /** The words before the command, after those that mount its overlays. */
  readonly words: readonly string[];
  /** What it opened, once it has ended. */
  readonly read: () => Promise<Openings | undefined>;
}

/**
 * Prepares to record which of these files, by their paths from the worktree, a command opens. An overlay of its own has inodes of its
 * own, so that only this command's openings are seen, by inotify from within its mount namespace: that needs no privilege.
 */
export async function watchOpenings(
  watched: readonly string[] | undefined,
  { worktree, overlays, scratch }: OpenLayers,
  searchPath: string,
): Promise<Watch> {
  if (watched === undefined) return { words: [], read: async () => undefined };
  if (scratch === undefined || !overlays.some(({ at }) => at === worktree))
    return unknown('there are no overlays on this machine');
  const [tool, setpriv] = ['inotifywait', 'setpriv'].map((name) => findExecutable(name, searchPath)?.path);
  if (tool === undefined || setpriv === undefined) return unknown('`inotifywait` is not installed');
  const paths = watched.filter((path) => !path.includes('\n')).slice(0, MAX_WATCHED);
  if (paths.length === 0) return { words: [], read: async () => ({ kind: 'recorded', paths: [] }) };
  const [list, seen, end, log] = ['watched', 'opened', 'ended', 'watch.log'].map((name) =>
    join(scratch, name),
  );
  if (list === undefined || seen === undefined || end === undefined || log === undefined) return unknown('');
  await writeFile(
    list,
    [...paths.map((path) => join(worktree, path)), end].map((path) => `${path}\n`).join(''),
  );
  for (const path of [seen, end, log]) await writeFile(path, '');
  return {
    // The shell that waits dies with choo, and the command with the shell.
    words: [setpriv, '--pdeathsig', 'KILL', 'sh', '-c', WATCH, setpriv, tool, list, seen, end, log],
    read: async () => {
      const lines = new Set((await readFile(seen, 'utf8')).split('\n'));
      const isWhole = lines.has(end);
      if (!isWhole) {
        const said = (await readFile(log, 'utf8')).trim().split('\n').at(-1) ?? '';
        return { kind: 'unknown', reason: said === '' ? 'the watch did not come to its end' : said };
      }
      return { kind: 'recorded', paths: paths.filter((path) => lines.has(join(worktree, path))) };
    },
  };
}

function unknown(reason: string): Watch {
  return { words: [], read: async () => ({ kind: 'unknown', reason }) };
}

/**
 * `$0` is setpriv. Starts the watch, waits until it stands, and after the command until it has seen the opening of the last file, in
 * order behind all others. No descriptor of the command's is left open by the watch, or its end would not be seen.
 */
const WATCH = `tool=$1 list=$2 seen=$3 end=$4 log=$5
shift 5
"$0" --pdeathsig KILL "$tool" --monitor --event open --format %w --fromfile "$list" --outfile "$seen" \\
  </dev/null >/dev/null 2>"$log" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
watch=$!
turns=0
until grep -q established "$log" || ! kill -0 "$watch" || [ "$turns" -gt 1000 ]; do
  sleep 0.01
  turns=$((turns + 1))
done 2>/dev/null
"$@"
status=$?
: <"$end"
turns=0
until grep -qxF "$end" "$seen" || ! kill -0 "$watch" || [ "$turns" -gt 300 ]; do
  sleep 0.01
  turns=$((turns + 1))
done 2>/dev/null
kill "$watch" 2>/dev/null
exit "$status"`;
