import { findCrash } from './crash.ts';
import { block, readMessage, say } from './message.ts';
import { firstPlace, FRAME } from './place.ts';
import { addCounts, lastMark, type Runner, toCount } from './runner.ts';

const TOTAL = /^\s{1,4}(\d+) (passing|failing|pending)(?: \(.+\))?$/;
/** Maximum titles of suites around a test. */
const TITLES = 12;
/** What ended it before a test ran. */
const EXCEPTION = /^ Exception during run: /;
const HEAD = /^ {2}1\) (.+)$/;

export const mocha: Runner = {
  name: 'mocha',
  find: ({ lines }) => {
    const total = lines.findIndex((line) => TOTAL.exec(line)?.[2] === 'failing');
    const exception = lines.findIndex((line) => EXCEPTION.test(line));
    if (exception !== -1) {
      const below = lines.slice(exception).map((line) => line.replace(EXCEPTION, ''));
      const crash = findCrash(below) ?? { text: below[0] ?? '', place: undefined };
      return { ...crash, end: exception };
    }
    if (total === -1) {
      const none = lines.findIndex((line) => /^\s*Error: No test files found/.test(line));
      return none === -1 ? undefined : { text: (lines[none] ?? '').trim(), place: undefined, end: none };
    }
    const at = lines.findIndex((line, index) => index > total && HEAD.test(line));
    if (at === -1) return undefined;
    const below = block(lines, at + 1, (line) => /^ {2}\d+\) /.test(line));
    // The titles of the suites, one below the other; the last one ends with a colon.
    const titles = 1 + below.slice(0, TITLES).findIndex((line) => line.endsWith(':'));
    const name = [HEAD.exec(lines[at] ?? '')?.[1] ?? '', ...below.slice(0, titles)]
      .map((line) => line.trim())
      .join(' > ')
      .replace(/:$/, '');
    const rest = below.slice(titles);
    const message = readMessage(rest, 0, (line) => !/^\s*(?:\+ expected - actual|[-+])(?:\s|$)/.test(line));
    return {
      text: say(name, message),
      place: firstPlace(rest, FRAME),
      end: lastMark(lines, /^ {2}\d+\) /, at),
    };
  },
  count: ({ lines }) =>
    addCounts(lines, (line) => {
      const [, number, kind] = TOTAL.exec(line) ?? [];
      if (kind === undefined) return undefined;
      const amount = toCount(number);
      return kind === 'passing'
        ? { passed: amount }
        : kind === 'failing'
          ? { failed: amount }
          : { skipped: amount };
    }),
};
