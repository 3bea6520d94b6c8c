import { findCrash } from './crash.ts';
import { block, readMessage, say } from './message.ts';
import { firstPlace, FRAME, placeIn } from './place.ts';
import { addCounts, lastMark, type Output, type Runner, toCount } from './runner.ts';

/** A failed test, in the final list of failures and while they run. */
const HEAD = /^✖ (.+) \(\d[\d.]*ms\)$/;
const RUNNING_HEAD = /^\s*✖ (.+) \(\d[\d.]*ms\)$/;
const LIST = /^(?:✖ failing tests:|Failed tests:)$/;
const TOTAL = /^ℹ (pass|fail|cancelled|skipped|todo) (\d+)$/;

/** `node --test`, as its reporters `spec` and `dot` print it. */
export const nodeTest: Runner = {
  name: 'node --test',
  find: ({ lines }: Output) => {
    const list = lines.findIndex((line) => LIST.test(line));
    const head = list === -1 ? RUNNING_HEAD : HEAD;
    const at = lines.findIndex((line, index) => index > list && head.test(line));
    if (at === -1) return undefined;
    const name = head.exec(lines[at] ?? '')?.[1] ?? '';
    const below = block(lines, at + 1, (line) => /^(?:\S|\s*[✖✔▶﹣] )/.test(line));
    const message = readMessage(below, 0, () => true)?.replace(/^\s*\[?Error \[ERR_TEST_FAILURE\]: /, '');
    const end = lastMark(lines, /^\s*✖ |^ℹ fail [1-9]/, at);
    const declared = (lines[at - 1] ?? '').startsWith('test at ') ? placeIn(lines[at - 1] ?? '') : undefined;
    // Node prints this when a whole file failed; the reason is above.
    const crash =
      message === undefined || /^'?test failed'?$/.test(message)
        ? findCrash(lines.slice(0, list === -1 ? at : list))
        : undefined;
    return {
      text: say(name, crash?.text ?? message),
      place: crash?.place ?? firstPlace(below, FRAME) ?? declared,
      end,
    };
  },
  count: ({ lines }) =>
    addCounts(lines, (line) => {
      const [, kind, number] = TOTAL.exec(line) ?? [];
      return kind === undefined ? undefined : countOf(kind, toCount(number));
    }),
};

/** What a total of Node's means: a test that was cancelled did not pass, one to be done did not count. */
export function countOf(kind: string, number: number): Record<string, number> {
  if (kind === 'pass') return { passed: number };
  return kind === 'fail' || kind === 'cancelled' ? { failed: number } : { skipped: number };
}
