import { PROVIDER_NAMES, type ProviderName } from '../../config/schema.ts';
import { isUnitId } from '../../discovery/unit.ts';
import {
  type Arguments,
  type CommandProblem,
  isProblem,
  isWholeNumber,
  type Option,
  problem,
  quote,
  WHOLE_NUMBER,
} from './command-words.ts';

/** A run, as far as it decides which commands its status comment offers. */
export interface RunToOffer {
  readonly isOver: boolean;
  readonly isComplete: boolean;
  /** The ids of the units that failed. */
  readonly failed: readonly string[];
}

/** All of one `/choo` command but its action, which `app/commands/actions.ts` holds under the same name. */
export interface CommandEntry {
  /** Each way to write it and what that does, as `/choo help` and the documentation show it. */
  readonly usage: readonly { readonly form: string; readonly meaning: string }[];
  /** By name, with its hyphens. */
  readonly options?: Readonly<Record<string, Option>>;
  /** More words than these after the name are a problem. */
  readonly maxWords: number;
  /** The words are text: none of them is an option. */
  readonly isText?: boolean;
  /** What the words and options mean, or why they mean nothing. */
  readonly parse: (read: Arguments) => object | CommandProblem;
  /** Whether it can be given on the pull request of a unit, for that unit. */
  readonly worksOnUnitPull: boolean;
  /** The lines that a status comment offers for units of a run, and for the run. */
  readonly offer?: (run: RunToOffer) => {
    readonly units?: readonly string[];
    readonly run?: readonly string[];
  };
}

const PROVIDER: Option = { noun: 'provider', values: PROVIDER_NAMES };

/** Every `/choo` command, in the order in which they are listed. */
export const COMMANDS = {
  run: {
    usage: [
      {
        form: '/choo run [SHA] [UNIT…] [--provider X] [--force-provider X]',
        meaning: 'run what the plan shows, or these units of it',
      },
    ],
    options: { '--provider': PROVIDER, '--force-provider': PROVIDER },
    maxWords: Infinity,
    parse: parseRun,
    worksOnUnitPull: false,
    offer: ({ isOver }) => ({ run: isOver ? ['/choo run'] : [] }),
  },
  plan: {
    usage: [{ form: '/choo plan', meaning: 're-plan the current commit' }],
    maxWords: 0,
    parse: () => ({}),
    worksOnUnitPull: false,
  },
  status: {
    usage: [{ form: '/choo status', meaning: 'show the progress of the run' }],
    maxWords: 0,
    parse: () => ({}),
    worksOnUnitPull: true,
    offer: ({ isOver }) => ({ run: isOver ? [] : ['/choo status'] }),
  },
  cancel: {
    usage: [
      {
        form: '/choo cancel [UNIT…]',
        meaning: 'stop the run that runs, then the one that waits, or units; what is committed stays',
      },
      { form: '/choo cancel all', meaning: 'stop every run of this thread and of its branch' },
      { form: '/choo cancel RUN', meaning: 'stop a run of this repository by its id, from any thread' },
    ],
    maxWords: Infinity,
    parse: parseUnits,
    worksOnUnitPull: true,
    offer: ({ isOver }) => ({ run: isOver ? [] : ['/choo cancel'] }),
  },
  retry: {
    usage: [
      {
        form: '/choo retry [UNIT…] [--from TASK] [--fresh] [--same]',
        meaning:
          'retry failed, blocked and cancelled units; `--fresh` starts over; changed specs are run anew, `--same` keeps the old ones',
      },
    ],
    options: { '--fresh': 'flag', '--same': 'flag', '--from': { noun: 'task', values: 'number' } },
    maxWords: Infinity,
    parse: parseRetry,
    worksOnUnitPull: true,
    offer: ({ isOver, isComplete, failed }) => ({
      units: isOver
        ? [
            ...failed.slice(0, 5).map((id) => `/choo retry ${id}`),
            ...failed.slice(0, 1).map((id) => `/choo retry ${id} --fresh`),
          ]
        : [],
      run: isOver && !isComplete ? ['/choo retry'] : [],
    }),
  },
  skip: {
    usage: [{ form: '/choo skip UNIT…', meaning: 'go on without units' }],
    maxWords: Infinity,
    parse: parseSkip,
    worksOnUnitPull: true,
    offer: ({ isOver, failed }) => ({
      units: isOver ? failed.slice(0, 1).map((id) => `/choo skip ${id}`) : [],
    }),
  },
  update: {
    usage: [
      {
        form: '/choo update [UNIT…]',
        meaning:
          'bring pull requests up to date and run their gates again; an agent starts only for a named unit that conflicts',
      },
    ],
    maxWords: Infinity,
    parse: parseUnits,
    worksOnUnitPull: true,
  },
  fix: {
    usage: [
      {
        form: '/choo fix [WORDS]',
        meaning: "on a unit's pull request: let an agent work on the open threads, and on these words",
      },
      { form: '/choo fix ci', meaning: 'let an agent work on the red checks of the repository' },
    ],
    maxWords: Infinity,
    isText: true,
    parse: parseFix,
    worksOnUnitPull: true,
  },
  help: {
    usage: [{ form: '/choo help', meaning: 'show this' }],
    maxWords: 0,
    parse: () => ({}),
    worksOnUnitPull: true,
  },
} satisfies Readonly<Record<string, CommandEntry>>;

/** The name of a command. */
export type CommandName = keyof typeof COMMANDS;

/** A command by its name, its words and options read: what the parser of its entry returns. */
export type Command<Name extends CommandName = CommandName> = {
  [Each in Name]: { readonly kind: Each } & Exclude<
    ReturnType<(typeof COMMANDS)[Each]['parse']>,
    CommandProblem
  >;
}[Name];

/** The names of all commands, as they are listed. */
export const COMMAND_NAMES: readonly CommandName[] = Object.keys(COMMANDS).filter(isCommandName);

const ENTRIES: readonly CommandEntry[] = Object.values(COMMANDS);

/** What can be written, for who asks and for the documentation. */
export const USAGE = ENTRIES.flatMap(({ usage }) => usage);

/** Whether a word, in small letters, is the name of a command. */
export function isCommandName(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}

/** The commands that the status comment of a run offers: those for a unit, then those for the run. */
export function offeredCommands(run: RunToOffer): readonly string[] {
  const offers = ENTRIES.map(({ offer }) => offer?.(run));
  return [...offers.flatMap((offer) => offer?.units ?? []), ...offers.flatMap((offer) => offer?.run ?? [])];
}

interface RunArguments {
  /** The whole id of a commit, in small letters. */
  readonly commit: string | null;
  readonly units: readonly string[];
  readonly provider: ProviderName | null;
  readonly forceProvider: ProviderName | null;
}

function parseRun({ words, options }: Arguments): RunArguments | CommandProblem {
  const [first = ''] = words;
  // Fewer digits could be a unit's name, and do not identify a commit for certain.
  const commit = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(first) ? first.toLowerCase() : null;
  const units = [...new Set(commit === null ? words : words.slice(1))];
  const wrong = units.find((unit) => !isUnitId(unit));
  if (wrong !== undefined) return noUnit(wrong);
  return {
    commit,
    units,
    provider: providerNamed(options.get('--provider')),
    forceProvider: providerNamed(options.get('--force-provider')),
  };
}

/** Names of units; the first may be the id of a run, which looks the same. */
interface UnitArguments {
  readonly words: readonly string[];
}

function parseUnits({ words }: Arguments): UnitArguments | CommandProblem {
  const wrong = words.find((word) => !isUnitId(word));
  return wrong === undefined ? { words: [...new Set(words)] } : noUnit(wrong);
}

interface RetryArguments extends UnitArguments {
  /** This task and those after it. */
  readonly task: number | null;
  readonly fresh: boolean;
  /** The specs that the run planned, though there are others now. */
  readonly same: boolean;
}

/** A single unit may have its task behind a slash. */
function parseRetry({ words, options }: Arguments): RetryArguments | CommandProblem {
  const [only = '', ...others] = words;
  const slash = others.length === 0 ? only.indexOf('/') : -1;
  if (slash === 0) return noUnit(only);
  if (slash > 0 && options.has('--from'))
    return problem(`\`--from\` and ${quote(only)} both name a task`, 'leave out one of them');
  const task = slash < 0 ? options.get('--from') : only.slice(slash + 1);
  if (task !== undefined && !isWholeNumber(task))
    return problem(`${quote(task)} is no number of a task`, WHOLE_NUMBER);
  const units = parseUnits({ words: slash < 0 ? words : [only.slice(0, slash)], options });
  if (isProblem(units)) return units;
  return {
    ...units,
    task: task === undefined ? null : Number(task),
    fresh: options.has('--fresh'),
    same: options.has('--same'),
  };
}

interface FixArguments {
  readonly words: string;
  /** The red checks of the repository. */
  readonly checks: boolean;
}

function parseFix({ words }: Arguments): FixArguments {
  const checks = words.length === 1 && words[0]?.toLowerCase() === 'ci';
  return { words: checks ? '' : words.join(' '), checks };
}

function parseSkip({ words, options }: Arguments): UnitArguments | CommandProblem {
  if (words.length === 0)
    return problem('`skip` needs the name of a unit', 'write `/choo skip` and the name');
  return parseUnits({ words, options });
}

function providerNamed(given: string | undefined): ProviderName | null {
  return PROVIDER_NAMES.find((name) => name === given) ?? null;
}

function noUnit(word: string): CommandProblem {
  return problem(`${quote(word)} is no name of a unit`, 'a unit is named as its directory below the specs');
}
