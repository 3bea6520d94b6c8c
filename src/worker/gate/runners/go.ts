import { isBlank, NEAR, say } from './message.ts';
import { placeIn } from './place.ts';
import { addCounts, type Failure, lastMark, type Place, type Runner } from './runner.ts';

const HEAD = /^(?:\s*--- FAIL: (\S+) \(|=== FAIL: \S+ (\S+) \()/;
const BUILD = /^((?:vet: )?(?:\.{0,2}\/)?[\w@%+./-]+\.go:\d+:\d+: .+)$/;
/** What the go command itself says; and that a package could not be loaded. */
const COMMAND =
  /^(?:go: (?!downloading|finding|extracting|found|added|upgraded|creating).+|no required module provides package .+|package \S+ is not in std.*|pattern \S+: .+|no Go files in .+|can't load package: .+)$/;
const FAILED = /^(?:FAIL\b|\s*--- FAIL: |exit status \d+$)/;
const MARK = /^(?:FAIL\t|# \S+\/|# \S+$|--- FAIL: |=== (?:RUN|FAIL)|ok {2}\t|\? {3}\t)/;
/** Words of a failure, as Go's tests put it. */
const COMPLAINT =
  /\b(?:got|want(?:ed)?|expect(?:ed)?|err(?:or)?|fail(?:ed|ure)?|unexpected|mismatch|invalid|not|should|must)\b|!=/i;
const PANIC = /^(panic: (?!test executed).+)$/;

/** `go test`, `go build`, `go vet`, gotestsum. */
export const go: Runner = {
  name: 'go',
  find: ({ lines }) => {
    const end = lastMark(lines, FAILED, -1);
    const build = lines.findIndex((line) => BUILD.test(line));
    const isGo = lines.some((line) => MARK.test(line));
    const test = findTest(lines, end);
    // A package that cannot be built is reported before the tests of others.
    if (build !== -1 && isGo && !(test !== undefined && test.at < build))
      return { ...atLine(lines, build), end: Math.max(end, build) };
    if (test !== undefined) return test;
    const panic = isGo ? lines.findIndex((line) => PANIC.test(line)) : -1;
    if (panic !== -1) return { ...panicAt(lines, panic, undefined), end: Math.max(end, panic) };
    const command = lines.findIndex((line) => COMMAND.test(line));
    return command === -1 ? undefined : { ...atLine(lines, command), end: Math.max(end, command) };
  },
  // Only `-v` names tests that passed.
  count: ({ lines }) =>
    lines.some((line) => line.startsWith('=== RUN'))
      ? addCounts(lines, (line) => {
          const [, kind] = /^\s*--- (PASS|FAIL|SKIP): /.exec(line) ?? [];
          if (kind === undefined) return undefined;
          return kind === 'PASS' ? { passed: 1 } : kind === 'FAIL' ? { failed: 1 } : { skipped: 1 };
        })
      : undefined,
};

function atLine(lines: readonly string[], at: number): Omit<Failure, 'end'> {
  const text = (lines[at] ?? '').replace(/; to add it:$/, '');
  return { text, place: placeIn(text.replace(/^vet: /, '')) };
}

function findTest(lines: readonly string[], end: number): (Failure & { readonly at: number }) | undefined {
  let first: (Failure & { readonly at: number }) | undefined;
  for (const [at, line] of lines.entries()) {
    const found = HEAD.exec(line);
    if (found === null) continue;
    const name = found[1] ?? found[2] ?? '';
    const messages = below(lines, at) ?? above(lines, at);
    const panic = lines.slice(at + 1, at + 3).findIndex((each) => PANIC.test(each));
    const last = Math.max(end, at);
    if (panic !== -1) return { ...panicAt(lines, at + 1 + panic, name), end: last, at };
    if (messages.length > 0) {
      const text = say(name, wordsOf(messages));
      const told = messages.filter((line) => /^\s*\S+\.go:\d+: ?/.test(line));
      const place = placeIn(
        told.find((line) => COMPLAINT.test(line)) ?? told[0] ?? messages.find((line) => placeIn(line)) ?? '',
      );
      return { text, place, end: last, at };
    }
    // A test that contains others has nothing to say by itself.
    first ??= { text: name, place: undefined, end: last, at };
  }
  return first;
}

/** The lines that belong to a test, below its name. */
function below(lines: readonly string[], at: number): readonly string[] | undefined {
  const near = lines.slice(at + 1, at + NEAR);
  const end = near.findIndex((line) => !/^\s/.test(line) || /^\s*--- /.test(line));
  const found = (end === -1 ? near : near.slice(0, end)).filter((line) => !isBlank(line));
  return found.length === 0 ? undefined : found;
}

/** With `-v` they come before it. */
function above(lines: readonly string[], at: number): readonly string[] {
  const near = lines.slice(Math.max(0, at - NEAR), at);
  const start = near.findLastIndex((line) => /^\s*(?:=== |--- )/.test(line));
  const found = start === -1 ? [] : near.slice(start + 1);
  return found.filter((line) => /^\s+\S+\.go:\d+: /.test(line) || /^\s{8}/.test(line));
}

/** The words of a test; of testify's report, the error. */
function wordsOf(messages: readonly string[]): string {
  const lines = messages.map((line) => line.trim());
  const error = lines.findIndex((line) => /^Error:\s/.test(line));
  // `t.Log` and `t.Error` look alike: what sounds like a failure is one.
  if (error === -1)
    return lines
      .slice(
        Math.max(
          0,
          lines.findIndex((line) => COMPLAINT.test(line)),
        ),
      )
      .slice(0, 12)
      .join(' ');
  const rest = lines.slice(error);
  const end = rest.findIndex(
    (line, index) => index > 0 && /^(?:Test|Messages|Error Trace):\s|^Diff:$/.test(line),
  );
  return (end === -1 ? rest : rest.slice(0, end)).join(' ').replace(/^Error:\s+/, '');
}

/** A panic: what it says, and the innermost frame of the project that is no part of Go. */
function panicAt(lines: readonly string[], at: number, name: string | undefined): Omit<Failure, 'end'> {
  const text = (lines[at] ?? '').trim().replace(/ \[recovered(?:, repanicked)?\]$/, '');
  const frames = lines
    .slice(at + 1, at + 2 * NEAR)
    .filter((line) => /^\t\S+\.go:\d+/.test(line) && !line.includes('_testmain.go'));
  const place: Place | undefined = frames
    .map((line) => placeIn(line.trim()))
    .find((each) => each !== undefined);
  const running = lines.slice(at + 1, at + 6).find((line) => /^\t\t?Test\S+ \(/.test(line));
  const timedOut = text.startsWith('panic: test timed out')
    ? lines.slice(at, at + 3 * NEAR).map((line) => /^\S+\.(Test\w+)\(/.exec(line)?.[1])
    : [];
  const test = name ?? running?.trim().split(' ')[0] ?? timedOut.find((each) => each !== undefined);
  return { text: test === undefined ? text : say(test, text), place };
}
