import type { GateReason, TestCounts } from '../../events/command-end.ts';
import { cut } from '../../text/cut.ts';
import { cleanOutput } from './clean-output.ts';
import { findLastWord } from './last-word.ts';
import { junitXml } from './runners/junit-xml.ts';
import type { Place } from './runners/runner.ts';
import { RUNNERS } from './runners/runners.ts';

/** Maximum length of a reason. Characters. */
const LENGTH = 300;
/** Paths outside of the project: of other users, of temporary files. Only the name of the file says something. */
const OUTSIDE =
  /(?:file:\/\/)?(?:\/private)?\/(?:tmp|var\/tmp|var\/folders|run\/user|root|home|Users|dev\/shm)\/[^\s'"`:;,()<>[\]]*/g;
const WINDOWS = /\b[A-Za-z]:\\(?:Users|Temp|Windows\\Temp)\\[^\s'"`:;,()<>[\]]*/g;

/**
 * Reads the output of a red command: the first failure of the runner that failed, else its last meaningful line.
 * `directories`: those that are cut from paths, such as the project's. Pure, and linear in the length of the output.
 */
export function findReason(raw: string, directories: readonly string[] = []): GateReason | undefined {
  const output = cleanOutput(raw, directories);
  const ours = output.lines.findLast((line) => line.trim() !== '');
  if (ours?.startsWith('[choo: ') === true) return toReason(ours, undefined, null);
  for (const group of RUNNERS) {
    const found = group.flatMap(({ name, find }) => {
      const failure = find(output);
      return failure === undefined || failure.text.trim() === '' ? [] : [{ name, ...failure }];
    });
    const [last] = found.sort((a, b) => b.end - a.end);
    if (last !== undefined) return toReason(last.text, last.place, last.name);
  }
  const word = findLastWord(output.lines);
  return word === undefined ? undefined : toReason(word, undefined, null);
}

/** How many tests the runners of a command say that they ran, all together; undefined: none says so. */
export function countTests(raw: string): TestCounts | undefined {
  const output = cleanOutput(raw, []);
  const [reports, consoles] = [true, false].map((isReport) =>
    RUNNERS.flat()
      .filter(({ name }) => (name === junitXml.name) === isReport)
      .flatMap(({ count }) => count?.(output) ?? []),
  );
  // A report says once more what the console says.
  const counted = consoles?.length === 0 ? reports : consoles;
  return counted?.reduce<TestCounts | undefined>(
    (sum, each) => (sum === undefined ? each : add(sum, each)),
    undefined,
  );
}

function add(a: TestCounts, b: TestCounts): TestCounts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

function toReason(text: string, place: Place | undefined, runner: string | null): GateReason {
  const line = text
    .slice(0, 10 * LENGTH)
    .replaceAll(OUTSIDE, nameOnly)
    .replaceAll(WINDOWS, nameOnly)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return {
    text: cut(line, LENGTH),
    file: place?.file ?? null,
    line: place?.line ?? null,
    column: place?.column ?? null,
    runner,
  };
}

function nameOnly(path: string): string {
  return `…/${path.split(/[\\/]/).findLast((part) => part !== '') ?? ''}`;
}
