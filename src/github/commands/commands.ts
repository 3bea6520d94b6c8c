import { PROVIDER_NAMES, type ProviderName } from '../../config/schema.ts';
import { isUnitId } from '../../discovery/unit.ts';
import { type Arguments, type CommandProblem, type Option, problem, quote } from './command-words.ts';

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
        form: '/choo cancel [UNIT]',
        meaning: 'stop the run that runs, then the one that waits, or one unit; what is committed stays',
      },
      { form: '/choo cancel RUN', meaning: 'stop a run of this repository by its id, from any thread' },
    ],
    maxWords: 1,
    parse: parseUnit,
    worksOnUnitPull: true,
    offer: ({ isOver }) => ({ run: isOver ? [] : ['/choo cancel'] }),
  },
  retry: {
    usage: [
      {
        form: '/choo retry [UNIT[/TASK]] [--fresh]',
        meaning: 'retry failed, blocked and cancelled units; `--fresh` starts over',
      },
    ],
    options: { '--fresh': 'flag' },
    maxWords: 1,
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
    usage: [{ form: '/choo skip UNIT', meaning: 'go on without a unit' }],
    maxWords: 1,
    parse: parseSkip,
    worksOnUnitPull: true,
    offer: ({ isOver, failed }) => ({
      units: isOver ? failed.slice(0, 1).map((id) => `/choo skip ${id}`) : [],
    }),
  },
  update: {
    usage: [
      {
        form: '/choo update [UNIT]',
        meaning: 'bring a pull request up to date and run its gates again, without an agent',
      },
    ],
    maxWords: 1,
    parse: parseUnit,
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

/** `unit`: for `cancel` also the id of a run, which looks the same. */
function parseUnit({ words: [unit] }: Arguments): { readonly unit: string | null } | CommandProblem {
  return unit === undefined || isUnitId(unit) ? { unit: unit ?? null } : noUnit(unit);
}

interface RetryArguments {
  readonly unit: string | null;
  /** This task and those after it. */
  readonly task: number | null;
  readonly fresh: boolean;
}

function parseRetry({ words: [name], options }: Arguments): RetryArguments | CommandProblem {
  const fresh = options.has('--fresh');
  if (name === undefined) return { unit: null, task: null, fresh };
  const [unit = '', task, ...parts] = name.split('/');
  if (!isUnitId(unit) || parts.length > 0) return noUnit(name);
  if (task !== undefined && !/^[1-9][0-9]{0,5}$/.test(task))
    return problem(`${quote(task)} is no number of a task`, 'it is a whole number from 1');
  return { unit, task: task === undefined ? null : Number(task), fresh };
}

function parseSkip({ words: [unit] }: Arguments): { readonly unit: string } | CommandProblem {
  if (unit === undefined)
    return problem('`skip` needs the name of a unit', 'write `/choo skip` and the name');
  return isUnitId(unit) ? { unit } : noUnit(unit);
}

function providerNamed(given: string | undefined): ProviderName | null {
  return PROVIDER_NAMES.find((name) => name === given) ?? null;
}

function noUnit(word: string): CommandProblem {
  return problem(`${quote(word)} is no name of a unit`, 'a unit is named as its directory below the specs');
}
