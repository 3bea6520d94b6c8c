import { block, isBlank, readMessage, say } from './message.ts';
import { placeIn } from './place.ts';
import { addCounts, lastMark, type Runner, toCount } from './runner.ts';

const SECTION = /^There (?:was 1|were \d+) (?:failure|error|PHPUnit error)s?:$/;
const HEAD = /^1\) (.+)$/;
const TOTAL = /^Tests: (\d+), Assertions: \d+(.*)/;
const ALONE =
  /^(?:No tests executed!|Cannot open file "|Test file "|Could not read "|Class \S+ (?:could not|cannot) be found in )/;

export const phpunit: Runner = {
  name: 'phpunit',
  find: ({ lines }) => {
    const section = lines.findIndex((line) => SECTION.test(line));
    const at = lines.findIndex((line, index) => section !== -1 && index > section && HEAD.test(line));
    if (at === -1) {
      const alone = lines.findIndex((line) => ALONE.test(line));
      return alone === -1 ? undefined : { text: lines[alone] ?? '', place: undefined, end: alone };
    }
    const name = HEAD.exec(lines[at] ?? '')?.[1] ?? '';
    const below = block(lines, at + 1, (line) => /^(?:\d+\) |--$|FAILURES!$|ERRORS!$)/.test(line));
    const message = readMessage(
      below,
      0,
      (line) => !isBlank(line) && !/^(?:--- Expected|\S+\.php:\d+$)/.test(line),
    );
    const place = below
      .filter((line) => /^\S+\.php:\d+$/.test(line))
      .map(placeIn)
      .find((each) => each !== undefined);
    return { text: say(name, message), place, end: lastMark(lines, /^(?:FAILURES!|ERRORS!)$/, at) };
  },
  count: ({ lines }) =>
    addCounts(lines, (line) => {
      const [, fine] = /^OK \((\d+) tests?, \d+ assertions?\)$/.exec(line) ?? [];
      if (fine !== undefined) return { passed: toCount(fine) };
      const [, all, rest = ''] = TOTAL.exec(line) ?? [];
      if (all === undefined) return undefined;
      const facts = new Map(
        rest
          .replace(/\.$/, '')
          .split(', ')
          .map((each) => each.trim().split(': ') as [string, string]),
      );
      const of = (...keys: readonly string[]): number =>
        keys.reduce((sum, key) => sum + toCount(facts.get(key)), 0);
      const failed = of('Failures', 'Errors');
      const skipped = of('Skipped', 'Incomplete');
      return { passed: Math.max(0, toCount(all) - failed - skipped), failed, skipped };
    }),
};
