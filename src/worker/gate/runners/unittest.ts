import { placeOfTraceback } from './crash.ts';
import { readMessage, say } from './message.ts';
import { toPlace } from './place.ts';
import { addCounts, lastMark, type Runner, toCount } from './runner.ts';

const HEAD = /^(?:FAIL|ERROR): (\S+) \(([\w.]+)\)/;
const RULE = /^(?:={70}|-{70})$/;
/** The class of an exception, and its message. */
const RAISED = /^[A-Za-z_][\w.]*(?:Error|Exception|Failure|Exit|Interrupt|Warning|Timeout)(?:: .*)?$/;
/** Maximum lines of one traceback. */
const TRACE_LINES = 400;

/** Python's unittest, also under Django. */
export const unittest: Runner = {
  name: 'unittest',
  find: ({ lines }) => {
    const end = lastMark(lines, /^FAILED \((?:failures|errors|unexpected)|^(?:FAIL|ERROR): /, -1);
    const at = lines.findIndex((line, index) => HEAD.test(line) && RULE.test(lines[index - 1] ?? ''));
    if (at === -1) {
      const none = lines.findIndex((line) => line.startsWith('NO TESTS RAN'));
      return none === -1 ? undefined : { text: 'no tests ran', place: undefined, end: none };
    }
    const [, name = '', where = ''] = HEAD.exec(lines[at] ?? '') ?? [];
    const near = lines.slice(at + 1, at + TRACE_LINES);
    const length = near.findIndex((line, index) => index > 2 && RULE.test(line));
    const trace = length === -1 ? near : near.slice(0, length);
    // Of exceptions that led to each other, the last one; what follows it belongs to its message.
    const raised = trace.findLastIndex((line) => RAISED.test(line));
    const message =
      raised === -1
        ? undefined
        : readMessage(trace, raised, (line) => line.trim() !== '' && !line.startsWith('- '));
    const isLoader = where.startsWith('unittest.loader.');
    return {
      text: say(name, message),
      place: placeOfTraceback(trace) ?? (isLoader ? toPlace(`${name}.py`) : undefined),
      end: Math.max(end, at),
    };
  },
  count: ({ lines }) => {
    let ran = 0;
    return addCounts(lines, (line) => {
      const [, number] = /^Ran (\d+) tests? in /.exec(line) ?? [];
      if (number !== undefined) {
        ran = toCount(number);
        return { passed: ran };
      }
      const [, facts] = /^(?:OK|FAILED) \(((?:[a-z ]+=\d+(?:, )?)+)\)$/.exec(line) ?? [];
      if (facts === undefined) return undefined;
      const of = (key: string): number =>
        toCount(new Map(facts.split(', ').map((each) => each.split('=') as [string, string])).get(key));
      const failed = of('failures') + of('errors') + of('unexpected successes');
      const skipped = of('skipped') + of('expected failures');
      return { passed: -Math.min(ran, failed + skipped), failed, skipped };
    });
  },
};
