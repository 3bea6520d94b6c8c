import { parse } from 'unbash';
import { cut } from '../text/cut.ts';
import { type Habit, habitsOf } from './habits.ts';
import { scriptOf } from './shell-facts.ts';
import { type LossCause, readStatus } from './shell-status.ts';
import { eachCommandOf, programOf, unwrap, wordsOf } from './words.ts';

/** What makes a gate mean less than it seems to. */
export interface GateFault {
  readonly code:
    | 'gate-cannot-fail'
    | 'gate-loses-failure'
    | 'gate-network'
    | 'gate-syntax'
    | 'gate-watches'
    | 'gate-without-tests';
  readonly message: string;
  /** The part of the gate that it is about. */
  readonly got: string;
  readonly hint: string;
}

/** A longer command is not read: it belongs into a script. UTF-16 code units. */
const MAX_LENGTH = 4_096;
/** Faults of one gate that are told. */
const MAX_FAULTS = 5;
/** The length of a part in a message. Characters. */
const MAX_PART = 120;

const LOSSES: Readonly<Record<LossCause, readonly [how: string, hint: string]>> = {
  or: [
    '`||` goes on with a command that succeeds',
    'end the gate with the command that may fail, without `|| true`',
  ],
  pipe: ['only the last command of a pipe counts', 'begin the gate with `set -o pipefail;`'],
  sequence: [
    'only the last of several commands counts',
    'join them by `&&`, or begin the gate with `set -e;`',
  ],
  background: ['nobody waits for a command in the background', 'remove the `&`'],
  branch: [
    'the condition of `if` or `while` does not count',
    'end it with `else exit 1`, or join the commands by `&&`',
  ],
  exit: ['`exit 0` passes whatever happened before', 'remove `exit 0`'],
  trap: ['a trap ends the gate with `exit 0`', 'leave the status alone in the trap'],
  constant: ['it does the same whatever the work is like', 'name a command that runs the tests of this task'],
  substitution: ['the command around `$(…)` succeeds all the same', 'run it by itself'],
};

const HABITS: Readonly<Record<Habit, Pick<GateFault, 'code' | 'message' | 'hint'>>> = {
  watches: {
    code: 'gate-watches',
    message: 'the gate does not end by itself: a part of it waits for changes, or serves',
    hint: 'name the command that runs once, or start a server in the background',
  },
  'passes-without-tests': {
    code: 'gate-without-tests',
    message: 'the gate passes where there are no tests',
    hint: 'remove the option, so that tests which are missing make it red',
  },
  'runs-no-tests': {
    code: 'gate-without-tests',
    message: 'the gate runs no tests: a part of it only lists or builds them',
    hint: 'name the command that runs them',
  },
  'ignores-failures': {
    code: 'gate-cannot-fail',
    message: 'the gate passes whatever is found: a part of it is told to succeed',
    hint: 'remove the option',
  },
  'needs-network': {
    code: 'gate-network',
    message: 'the gate needs a network, and a gate has none',
    hint: 'move it to `worktree.setup` in `.choo.yml`, which has a network',
  },
};

/**
 * Finds by reading what makes a gate mean less than it seems to: failures that it loses, commands that do not end or run no
 * tests, and a network that it will not have. Heuristic: a gate without a fault may still mean nothing. Pure, linear; never
 * throws.
 */
export function findGateFaults(gate: string): readonly GateFault[] {
  if (gate.length > MAX_LENGTH) return [];
  const script = parse(gate);
  const [error] = script.errors ?? [];
  if (error !== undefined) {
    const message = 'a shell cannot read the gate to its end';
    return [
      {
        code: 'gate-syntax',
        message,
        got: show(gate.slice(error.pos) || gate),
        hint: 'correct its quotes and brackets',
      },
    ];
  }
  const { canFail, losses } = readStatus(gate);
  const faults = losses.map(({ part, cause }): GateFault => {
    const [how, hint] = LOSSES[cause];
    return canFail
      ? {
          code: 'gate-loses-failure',
          message: `the gate can pass although this fails: ${how}`,
          got: show(part),
          hint,
        }
      : { code: 'gate-cannot-fail', message: `the gate cannot fail: ${how}`, got: show(part), hint };
  });
  return [...faults, ...findHabits(gate)].slice(0, MAX_FAULTS);
}

function findHabits(gate: string): readonly GateFault[] {
  const faults = new Map<Habit, GateFault>();
  const read = (text: string, depth: number): void => {
    eachCommandOf(parse(text), (command, isBackground) => {
      const words = wordsOf(command);
      for (const habit of habitsOf(words)) {
        // A server in the background is what other commands talk to, and `timeout` ends what does not end.
        const isFine = habit === 'watches' && (isBackground || programOf(words) === 'timeout');
        if (!isFine && !faults.has(habit))
          faults.set(habit, { ...HABITS[habit], got: show(text.slice(command.pos, command.end)) });
      }
      const inner = scriptOf(unwrap(words))?.text;
      if (inner !== undefined && depth < 3) read(inner, depth + 1);
    });
  };
  read(gate, 0);
  return [...faults.values()];
}

function show(part: string): string {
  return cut(part.replaceAll(/\s+/g, ' ').trim(), MAX_PART);
}
