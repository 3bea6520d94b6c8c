import { isBlank, readMessage, say } from './message.ts';
import { toPlace } from './place.ts';
import { addCounts, type Failure, lastMark, type Place, type Runner, toCount } from './runner.ts';

const COMPILER = /^(error(?:\[E\d+\])?: .+)$/;
const ARROW = /^\s*--> (\S.*):(\d+):(\d+)$/;
/** What follows from an error that was printed before. */
const CONSEQUENCE =
  /^error: (?:could not compile|aborting due to|test failed, to rerun|\d+ targets? failed|build failed|doctest failed|process didn't exit|test run failed|Recipe )/;
const MARK =
  /^(?:\s*(?:Compiling|Checking|Running|Finished|Updating|Blocking waiting|Documenting|Doc-tests) \S|running \d+ tests?$|error: could not compile)|`Cargo\.toml`|\/Cargo\.toml|^error: no (?:test|bin|example) target/;
const OUTPUT = /^---- (.+) stdout ----$/;
const PANIC = /^thread '[^']*' (?:\(\d+\) )?panicked at (?:'(.*)', )?(\S+):(\d+):(\d+):?$/;
const TOTAL = /^test result: (?:ok|FAILED)\. (\d+) passed; (\d+) failed; (\d+) ignored;/;
const NEXTEST_TOTAL =
  /^\s*Summary \[ *[\d.]+s\] +(?:\d+\/)?\d+ tests? run: (\d+) passed(?: \([^)]*\))?(?:, (\d+) failed)?(?:, (\d+) timed out)?(?:, (\d+) skipped)?/;

/** `cargo test`, `cargo build`, clippy, nextest, and rustc alone. */
export const cargo: Runner = {
  name: 'cargo',
  find: ({ lines }) => findTest(lines) ?? findError(lines),
  count: ({ lines }) =>
    addCounts(lines, (line) => {
      const [, passed, failed, skipped] = TOTAL.exec(line) ?? [];
      if (passed !== undefined)
        return { passed: toCount(passed), failed: toCount(failed), skipped: toCount(skipped) };
      const [, ok, red, late, ignored] = NEXTEST_TOTAL.exec(line) ?? [];
      return ok === undefined
        ? undefined
        : { passed: toCount(ok), failed: toCount(red) + toCount(late), skipped: toCount(ignored) };
    }),
};

function findTest(lines: readonly string[]): Failure | undefined {
  const at = lines.findIndex((line) => OUTPUT.test(line) || /^\s*FAIL \[ *[\d.]+s\] /.test(line));
  if (at === -1) return undefined;
  const name =
    OUTPUT.exec(lines[at] ?? '')?.[1] ??
    /^\s*FAIL \[ *[\d.]+s\] (?:\([ \d/]+\) )?(.+)$/.exec(lines[at] ?? '')?.[1] ??
    '';
  const rest = lines.slice(at + 1, at + 200);
  const length = rest.findIndex((line) => /^---- .+ ----$|^failures:$/.test(line));
  const below = length === -1 ? rest : rest.slice(0, length);
  const panic = below.findIndex((line) => PANIC.test(line));
  const end = lastMark(
    lines,
    /^test result: FAILED|^error: (?:test failed|doctest failed|\d+ targets? failed|test run failed)/,
    at,
  );
  if (panic !== -1) {
    const [, text, ...place] = PANIC.exec(below[panic] ?? '') ?? [];
    const message = text ?? readMessage(below, panic + 1, (line) => !isBlank(line));
    return {
      text: say(name, message),
      place: toPlace(...(place as [string, string, string])) ?? placeOfDoc(name),
      end,
    };
  }
  const compiler = below.findIndex((line) => COMPILER.test(line));
  if (compiler !== -1)
    return { text: say(name, below[compiler]), place: placeOfDoc(name) ?? arrowBelow(below, compiler), end };
  const missed = below
    .map((line) => /did not panic as expected(?: at (\S+):(\d+):(\d+))?/.exec(line))
    .find((each) => each !== null);
  const message = readMessage(below, 0, (line) => !isBlank(line)) ?? missed?.[0];
  return {
    text: say(name, message),
    place: missed === undefined ? placeOfDoc(name) : toPlace(missed[1], missed[2], missed[3]),
    end,
  };
}

/** `src/lib.rs - add (line 3)`: the test is in the documentation. */
function placeOfDoc(name: string): Place | undefined {
  const [, file, line] = /^(\S+\.(?:rs|md)) - (?:.*)\(line (\d+)\)/.exec(name) ?? [];
  return toPlace(file, line);
}

function findError(lines: readonly string[]): Failure | undefined {
  const isCargo = lines.some((line) => MARK.test(line));
  const at = lines.findIndex(
    (line, index) =>
      COMPILER.test(line) &&
      !CONSEQUENCE.test(line) &&
      (isCargo ||
        line.startsWith('error[') ||
        lines.slice(index + 1, index + 4).some((each) => ARROW.test(each))),
  );
  const late = lines.findIndex((line) => line.startsWith('error: could not compile'));
  if (at === -1) return late === -1 ? undefined : { text: lines[late] ?? '', place: undefined, end: late };
  const end = lastMark(lines, COMPILER, at);
  const place = arrowBelow(lines, at);
  const cause = place === undefined ? causeBelow(lines, at) : undefined;
  return { text: `${lines[at] ?? ''}${cause === undefined ? '' : `: ${cause}`}`, place, end };
}

function arrowBelow(lines: readonly string[], at: number): Place | undefined {
  for (const line of lines.slice(at + 1, at + 6)) {
    const [, file, row, column] = ARROW.exec(line) ?? [];
    if (file !== undefined) return toPlace(file, row, column);
  }
  return undefined;
}

/** `Caused by:` and what stands below. */
function causeBelow(lines: readonly string[], at: number): string | undefined {
  const cause = lines.slice(at + 1, at + 6).indexOf('Caused by:');
  return cause === -1 ? undefined : lines[at + cause + 2]?.trim();
}
