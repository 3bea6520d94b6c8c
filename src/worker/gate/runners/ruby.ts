import { block, isBlank, readMessage, say } from './message.ts';
import { firstPlace, placeIn, toPlace } from './place.ts';
import { addCounts, lastMark, type Place, type Runner, toCount } from './runner.ts';

const FRAME = /^\s*# (\S+):(\d+)(?::in .*)?$/;
const TOTAL =
  /^(\d+) examples?, (\d+) failures?(?:, (\d+) pending)?(?:, (\d+) errors? occurred outside of examples)?$/;
const OUTSIDE = /^An error occurred (?:while loading (\S+?)\.?|in (?:an? )?.+)$/;
const CODE = /^\s*Failure\/Error: /;

export const rspec: Runner = {
  name: 'rspec',
  find: ({ lines }) => {
    const end = lastMark(
      lines,
      /^rspec \S+ # |^\d+ examples?, (?:[1-9]|\d+ failures?, (?:\d+ pending, )?[1-9]\d* error)/,
      -1,
    );
    const outside = lines.findIndex((line) => OUTSIDE.test(line));
    const list = lines.indexOf('Failures:');
    const at = lines.findIndex((line, index) => list !== -1 && index > list && /^ {2}1\) /.test(line));
    const start = outside !== -1 && (at === -1 || outside < at) ? outside : at;
    if (start === -1) return undefined;
    const below = block(lines, start + 1, (line) =>
      /^ {2}\d+\) |^An error occurred |^Finished in /.test(line),
    );
    const file = OUTSIDE.exec(lines[start] ?? '')?.[1];
    const name =
      start === at ? (lines[start] ?? '').replace(/^ {2}1\) /, '') : (file ?? '').replace(/^\.\//, '');
    const message = messageOf(below);
    return {
      text: name === '' ? (message ?? lines[start] ?? '') : say(name, message),
      place: placeOf(below) ?? toPlace(file),
      end: Math.max(end, start),
    };
  },
  count: ({ lines }) =>
    addCounts(lines, (line) => {
      const [, all, failed, pending, outside] = TOTAL.exec(line) ?? [];
      if (all === undefined) return undefined;
      const passed = toCount(all) - toCount(failed) - toCount(pending);
      return {
        passed: Math.max(0, passed),
        failed: toCount(failed) + toCount(outside),
        skipped: toCount(pending),
      };
    }),
};

/** What stands below the source that failed; the class of an error has a line of its own. */
function messageOf(lines: readonly string[]): string | undefined {
  const code = lines.findIndex((line) => CODE.test(line));
  const rest = lines.slice(code + 1);
  const blank = code === -1 ? 0 : rest.findIndex(isBlank);
  return readMessage(
    rest,
    Math.max(blank, 0),
    (line) => !FRAME.test(line) && !/^\s*\((?:compared using|force)/.test(line),
  );
}

function placeOf(lines: readonly string[]): Place | undefined {
  for (const line of lines) {
    const [, file, row] = FRAME.exec(line) ?? [];
    const place = toPlace(file, row);
    if (place !== undefined) return place;
  }
  return firstPlace(lines);
}

const MINI_HEAD = /^\s*\d+\) (?:Failure|Error):$/;
const MINI_TOTAL =
  /^(\d+) (?:runs|tests), \d+ assertions, (\d+) failures, (\d+) errors, (\d+) (?:skips|pendings)/;

/** Ruby's minitest and test-unit. */
export const minitest: Runner = {
  name: 'minitest',
  find: ({ lines }) => {
    const at = lines.findIndex((line) => MINI_HEAD.test(line));
    if (at === -1) return undefined;
    const below = block(lines, at + 1, (line) => MINI_HEAD.test(line) || MINI_TOTAL.test(line));
    const title = below[0] ?? '';
    const name = (title.split(' [')[0] ?? '').replace(/:$/, '');
    const message = readMessage(below, 1, (line) => !isBlank(line) && !/^\s+\S+\.rb:\d+:in /.test(line));
    const place =
      placeIn(title.slice(Math.max(0, title.indexOf('[')))) ??
      below
        .slice(1)
        .map((line) => placeIn(line.split(':in ')[0] ?? ''))
        .find((each) => each !== undefined);
    return { text: say(name, message), place, end: lastMark(lines, MINI_TOTAL, at) };
  },
  count: ({ lines }) =>
    addCounts(lines, (line) => {
      const [, all, failures, errors, skips] = MINI_TOTAL.exec(line) ?? [];
      if (all === undefined) return undefined;
      const failed = toCount(failures) + toCount(errors);
      return { passed: Math.max(0, toCount(all) - failed - toCount(skips)), failed, skipped: toCount(skips) };
    }),
};
