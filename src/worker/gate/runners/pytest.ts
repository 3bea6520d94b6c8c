import { say } from './message.ts';
import { placeIn, toPlace } from './place.ts';
import { addCounts, type Failure, lastMark, numberBefore, type Place, type Runner } from './runner.ts';

const SECTION = /^=+ (?:FAILURES|ERRORS) =+$/;
const HEAD = /^_{3,} (.+?) _{3,}$/;
const SUMMARY = /^(?:FAILED|ERROR) (?=\S+\.py|\S+::|\S+ - )(.+)$/;
/** What an exception says, and where it was raised. */
const RAISED = /^E\s+(\S.*)$/;
const WITH_CLASS = /^E\s+(?:[\w.]+(?:Error|Exception|Failed|Exit|Warning)|Failed|assert)\b/;
const POSITION = /^([^\s:][^:]*\.\w+):(\d+): ?(.*)$/;
const SYNTAX = /^E\s+File "([^"]+)", line (\d+)/;
/** One line, without a section. */
const ALONE =
  /^(?:ERROR: (?:file or directory not found|not found|usage|found no collectors|Unknown config option|Cannot load|[\w-]+: error:)|pytest: error: |\S*: error: (?:unrecognized|argument|ambiguous)|(?:=+ )?no tests ran in [\d.]+s|INTERNALERROR> \w[\w.]*(?:Error|Exception))/;
const TOTAL =
  /^(?:=+ )?(?=.*\d (?:passed|failed|skipped|errors?|xfailed|xpassed|deselected|warnings?)\b)(\d.* in [\d.]+s.*)$/;

export const pytest: Runner = {
  name: 'pytest',
  find: ({ lines }) => {
    const end = lastMark(
      lines,
      /^(?:FAILED|ERROR) \S|^(?:=+ )?(?:\d+ \w+, )*\d+ (?:failed|errors?)\b.* in [\d.]+s/,
      -1,
    );
    const conftest = lines.findIndex((line) => line.startsWith("ImportError while loading conftest '"));
    const section = lines.findIndex((line) => SECTION.test(line));
    const at =
      conftest === -1
        ? lines.findIndex((line, index) => index > section && section !== -1 && HEAD.test(line))
        : conftest;
    if (at !== -1) return readSection(lines, at, end);
    return readSummary(lines, end) ?? findAlone(lines);
  },
  count: ({ lines }) =>
    addCounts(lines, (line) => {
      const totals = TOTAL.exec(line)?.[1];
      if (totals === undefined) return undefined;
      const sum = (...words: readonly string[]): number =>
        words.reduce((all, word) => all + numberBefore(totals, word), 0);
      return {
        passed: sum('passed', 'xpassed'),
        failed: sum('failed', 'error', 'errors'),
        skipped: sum('skipped', 'xfailed'),
      };
    }),
};

/** What a traceback of pytest's says, and where it was raised. */
export function readTrace(trace: readonly string[]): {
  readonly message: string | undefined;
  readonly place: Place | undefined;
} {
  const raised = trace.find((line) => WITH_CLASS.test(line)) ?? trace.find((line) => RAISED.test(line));
  return { message: RAISED.exec(raised ?? '')?.[1], place: placeOfTrace(trace) };
}

/** The first failure, with its traceback. */
function readSection(lines: readonly string[], at: number, end: number): Failure {
  const title = HEAD.exec(lines[at] ?? '')?.[1] ?? '';
  const below = lines.slice(at + 1, at + 400);
  const length = below.findIndex((line) => HEAD.test(line) || /^=+ .+ =+$/.test(line));
  const trace = length === -1 ? below : below.slice(0, length);
  const last = trace.findLast((line) =>
    /^[A-Za-z_][\w.]*(?:Error|Exception|Warning|Exit)(?:: .*)?$/.test(line),
  );
  const message =
    readTrace(trace).message ?? last ?? (/Timeout/.test(trace.join('\n')) ? 'Timeout' : undefined);
  const place = placeOfTrace(trace);
  const [, what] = /^ERROR (?:collecting|at (?:setup|teardown) of) (.+)$/.exec(title) ?? [];
  const name = what ?? title;
  const listed = lines.flatMap((line) => SUMMARY.exec(line)?.[1] ?? []).map((id) => id.split(' - ')[0] ?? id);
  const node = listed.find(
    (id) => id === name || id.endsWith(`::${name.replaceAll('.', '::')}`) || id.endsWith(`::${name}`),
  );
  const id =
    node ??
    (name === ''
      ? 'conftest.py'
      : place === undefined || name.includes('.py')
        ? name
        : `${place.file}::${name}`);
  const [, file] = /^([^\s:]+\.py)/.exec(id) ?? [];
  // The name of a node and what pytest itself says are put together as in its own summary.
  const text = message === undefined ? id : `${id} - ${message}`;
  return { text, place: place ?? toPlace(file), end: Math.max(end, at) };
}

/** Where the exception was raised, or the innermost frame in the project. */
function placeOfTrace(trace: readonly string[]): Place | undefined {
  const syntax = trace.map((line) => SYNTAX.exec(line)).find((each) => each !== null);
  if (syntax !== undefined) return toPlace(syntax[1], syntax[2]);
  for (const line of trace.toReversed()) {
    const [, file, row] = POSITION.exec(line) ?? /^\s+File "([^"]+)", line (\d+)/.exec(line) ?? [];
    const place = toPlace(file, row);
    if (place !== undefined) return place;
  }
  return undefined;
}

function readSummary(lines: readonly string[], end: number): Failure | undefined {
  const at = lines.findIndex((line) => SUMMARY.test(line));
  if (at === -1) return undefined;
  const text = SUMMARY.exec(lines[at] ?? '')?.[1] ?? '';
  // With `--tb=line` the position stands above.
  const place = firstLinePlace(lines.slice(0, at)) ?? toPlace(/^([^\s:]+\.py)/.exec(text)?.[1]);
  return { text, place, end: Math.max(end, at) };
}

function firstLinePlace(lines: readonly string[]): Place | undefined {
  const line = lines.find((each) => /^\S+\.py:\d+: \w/.test(each));
  return line === undefined ? undefined : placeIn(line);
}

function findAlone(lines: readonly string[]): Failure | undefined {
  const at = lines.findLastIndex((line) => ALONE.test(line));
  if (at === -1) return undefined;
  const text = (lines[at] ?? '').replaceAll(/^=+ | =+$/g, '').replace(/^INTERNALERROR> /, '');
  const error = lines.find((line) => /^ERROR: (?:file or directory )?not found/.test(line));
  return { text: say('', error ?? text).replace(/^: /, ''), place: undefined, end: at };
}
