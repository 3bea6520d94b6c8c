import { placeOfJava } from './crash.ts';
import { readMessage, say } from './message.ts';
import { toPlace } from './place.ts';
import { addCounts, lastMark, type Runner, toCount } from './runner.ts';

const SUREFIRE_TOTAL = /^(?:\[\w+\] )?Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)$/;
const SUREFIRE_HEAD = /^(\S.*) <<< (?:FAILURE|ERROR)!$/;
const SUREFIRE_LINE = /^\[ERROR\] {3}([\w$.]+):(\d+)(?:->\S+)? (\S.*)/;

/** Maven Surefire on the console. */
export const surefire: Runner = {
  name: 'maven',
  find: ({ lines }) => {
    const end = lastMark(lines, SUREFIRE_TOTAL, -1);
    const at = lines.findIndex(
      (line) => SUREFIRE_HEAD.test(line) && !/^\[ERROR\] Tests run: |^Tests run: /.test(line),
    );
    if (at !== -1) {
      const [head = ''] = (SUREFIRE_HEAD.exec(lines[at] ?? '')?.[1] ?? '').split('Time elapsed: ');
      const name = head
        .replace('[ERROR] ', '')
        .replace(/ --? *$/, '')
        .trim();
      const below = lines.slice(at + 1, at + 60);
      return {
        text: say(
          name,
          readMessage(below, 0, (line) => line.trim() !== ''),
        ),
        place: placeOfJava(below),
        end: Math.max(end, at),
      };
    }
    const listed = lines.findIndex((line) => SUREFIRE_LINE.test(line));
    if (listed === -1) return undefined;
    const [, name = '', row, message] = SUREFIRE_LINE.exec(lines[listed] ?? '') ?? [];
    return {
      text: say(name, message),
      place: toPlace(`${name.split('.')[0] ?? name}.java`, row),
      end: Math.max(end, listed),
    };
  },
  count: ({ lines }) =>
    addCounts(lines, (line) => {
      const [, all, failures, errors, skipped] = SUREFIRE_TOTAL.exec(line) ?? [];
      if (all === undefined) return undefined;
      const failed = toCount(failures) + toCount(errors);
      return {
        passed: Math.max(0, toCount(all) - failed - toCount(skipped)),
        failed,
        skipped: toCount(skipped),
      };
    }),
};

const GRADLE_HEAD = /^(\S.*) FAILED$/;
const GRADLE_TOTAL = /^(\d+) tests? completed(?:, (\d+) failed)?(?:, (\d+) skipped)?$/;

/** Gradle on the console. */
export const gradle: Runner = {
  name: 'gradle',
  find: ({ lines }) => {
    const at = lines.findIndex(
      (line) => GRADLE_HEAD.test(line) && line.includes(' > ') && !line.startsWith('> '),
    );
    const end = lastMark(lines, /^(?:FAILURE: Build failed|BUILD FAILED|\d+ tests? completed)/, -1);
    if (at !== -1) {
      const below = lines.slice(at + 1, at + 60);
      const name = GRADLE_HEAD.exec(lines[at] ?? '')?.[1] ?? '';
      const [, file, row] = /\bat (\w+\.(?:java|kt|groovy)):(\d+)/.exec(below.slice(0, 10).join('\n')) ?? [];
      return {
        text: say(
          name,
          readMessage(below, 0, (line) => line.startsWith('    ')),
        ),
        place: toPlace(file, row) ?? placeOfJava(below),
        end: Math.max(end, at),
      };
    }
    const wrong = lines.indexOf('* What went wrong:');
    return wrong === -1
      ? undefined
      : { text: lines.slice(wrong + 1, wrong + 3).join(' '), place: undefined, end };
  },
  count: ({ lines }) =>
    addCounts(lines, (line) => {
      const [, all, failed, skipped] = GRADLE_TOTAL.exec(line) ?? [];
      if (all === undefined) return undefined;
      const [red, left] = [toCount(failed), toCount(skipped)];
      return { passed: Math.max(0, toCount(all) - red - left), failed: red, skipped: left };
    }),
};
