import { withoutHidden } from '../../text/hidden-text.ts';
import type { Output } from './runners/runner.ts';

/** Longer lines are cut. UTF-16 code units. */
const LINE = 2_000;

/** Terminal escape sequences: colours, cursor movements, titles. */
const ESCAPES = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b(?:[ -/]*[0-~])?/g;

/** What systems that run commands put before each line: a time, and the name of a job or service. */
const PREFIXES: readonly {
  readonly prefix: RegExp;
  /** In fewer lines it is none. */ readonly least: number;
}[] = [
  { prefix: /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,]*(?:Z|[+-]\d\d:?\d\d)? ?/, least: 1 },
  { prefix: /^\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]? /, least: 4 },
  { prefix: /^\[[\w@/:.-]{1,60}\] ?(?!$)/, least: 4 },
  { prefix: /^[\w@/.-]{1,60}:[A-Za-z][\w:.-]{0,40}: ?/, least: 4 },
  { prefix: /^[\w@/.-]{1,60} +\| ?/, least: 4 },
  { prefix: /^[\w@/.-]{1,60} [\w:.-]{1,30}: /, least: 4 },
];
/** A prefix is one only if it stands before most lines. */
const MOST = 0.6;

/** Lines of GitHub Actions and GitLab that fold and mark the others. */
const FOLDS =
  /^(?:##\[(?:group|endgroup|command|section)\].*|::(?:group|endgroup|debug|add-mask)(?: [^:]*)?::.*|section_(?:start|end):\d+:.*)$/;
const ERROR_MARK = /^##\[error\]/;

/**
 * An output as a person would read it: without what a terminal obeys, without hidden characters, without what a system put
 * before each line, without these directories. Linear in its length.
 */
export function cleanOutput(raw: string, directories: readonly string[]): Output {
  let text = raw.replaceAll(ESCAPES, '').replaceAll(/\r\n?|[\u2028\u2029\v\f]/g, '\n');
  for (const directory of withUrls([...directories, ...findRoots(text)]))
    text = text.replaceAll(directory, '');
  const lines = withoutPrefixes(withoutHidden(text).split('\n')).filter(
    (line) => !FOLDS.test(line.slice(0, LINE)),
  );
  return {
    text: lines.join('\n'),
    lines: lines.map((line) => line.slice(0, LINE).trimEnd().replace(ERROR_MARK, '')),
  };
}

/** A directory as it stands before the path of a file in it, also in addresses. */
function withUrls(directories: readonly string[]): readonly string[] {
  return directories
    .filter((each) => /^\/[^/]+\/./.test(each) || /^[A-Za-z]:[\\/]./.test(each))
    .map((each) => each.replace(/[\\/]$/, ''))
    .sort((a, b) => b.length - a.length)
    .flatMap((each) => [`file://${encodeURI(each)}/`, `file://${each}/`, `${each}/`, `${each}\\`]);
}

/** The directory that a runner names as the one it works in. */
function findRoots(text: string): readonly string[] {
  const near = text.slice(0, 20_000).split('\n');
  const roots = near.flatMap((line) => {
    const found = /^(?:rootdir: | RUN {2}v\S+ | {1,8}Compiling \S+ v\S+ \()([^\s(),]+)/.exec(
      line.slice(0, LINE),
    );
    return found?.[1] ?? [];
  });
  return [...new Set(roots)].filter((each) => /^\/[^/]+\/[^/]+/.test(each)).slice(0, 3);
}

function withoutPrefixes(lines: readonly string[]): readonly string[] {
  let rest = lines;
  for (const { prefix, least } of PREFIXES) {
    const hasPrefix = (line: string): boolean => prefix.test(line.slice(0, LINE));
    const full = rest.filter((line) => line.trim() !== '').length;
    const found = rest.filter(hasPrefix).length;
    if (found < least || found <= MOST * full) continue;
    rest = rest.map((line) => (hasPrefix(line) ? line.replace(prefix, '') : line));
  }
  return rest;
}
