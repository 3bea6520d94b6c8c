import { PROVIDER_NAMES, type ProviderName } from '../config/schema.ts';
import { isUnitId } from '../discovery/unit.ts';
import { nearest, suggestion } from '../problems/nearest.ts';
import { plainLines } from './comment-lines.ts';

/** One command of a comment, on its line (from 1); or why a line that looks like one is none. */
export type ParsedCommand = { readonly line: number } & (
  | {
      readonly kind: 'run';
      /** The whole id of a commit. */
      readonly commit: string | null;
      readonly units: readonly string[];
      readonly provider: ProviderName | null;
      readonly forceProvider: ProviderName | null;
    }
  | { readonly kind: 'plan' }
  | { readonly kind: 'status' }
  | { readonly kind: 'help' }
  | { readonly kind: 'cancel'; readonly unit: string | null }
  | {
      readonly kind: 'retry';
      readonly unit: string | null;
      /** This task and those after it. */
      readonly task: number | null;
      readonly fresh: boolean;
    }
  | { readonly kind: 'skip'; readonly unit: string }
  | { readonly kind: 'problem'; readonly message: string; readonly hint: string | null }
);

/** What can be said, for whoever asks and for the documentation. */
export const USAGE: readonly { readonly form: string; readonly meaning: string }[] = [
  {
    form: '/choo run [SHA] [UNIT…] [--provider X] [--force-provider X]',
    meaning: 'run what the plan shows, or these units of it',
  },
  { form: '/choo plan', meaning: 'plan what is there now' },
  { form: '/choo status', meaning: 'say how far the run is' },
  { form: '/choo cancel [UNIT]', meaning: 'stop the run, or one unit of it; what is committed stays' },
  {
    form: '/choo retry [UNIT[/TASK]] [--fresh]',
    meaning: 'give what did not complete another turn; `--fresh` starts over',
  },
  { form: '/choo skip UNIT', meaning: 'go on without a unit' },
  { form: '/choo help', meaning: 'show this' },
];

/** More than these in one comment are not obeyed. */
const MOST = 10;

const WORDS = ['run', 'plan', 'status', 'cancel', 'retry', 'skip', 'help'] as const;

/** Characters that are not seen where they stand, or turn a line around. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/u;

/**
 * The commands of a comment, in order: lines that begin with `/choo`, outside code, quotes and HTML. Pure, linear, and fit for
 * anything that anybody may write.
 */
export function parseCommands(body: string): readonly ParsedCommand[] {
  const lines = plainLines(body).filter(({ text }) => /^\/choo(?=\s|$)/i.test(text));
  const commands = lines.slice(0, MOST).map(({ text, number }) => ({ ...parseLine(text), line: number }));
  const [next] = lines.slice(MOST);
  if (next === undefined) return commands;
  const message = `there are more than ${MOST} commands in this comment; the others were not read`;
  return [...commands, { kind: 'problem', message, hint: null, line: next.number }];
}

type Command = ParsedCommand extends infer C ? (C extends ParsedCommand ? Omit<C, 'line'> : never) : never;

function parseLine(text: string): Command {
  const line = text.replaceAll('\t', ' ').trimEnd();
  if (HIDDEN.test(line))
    return problem('the command has characters in it that nobody sees', 'type it by hand');
  const [word = '', ...rest] = line.slice('/choo'.length).trim().split(/ +/);
  const verb = word.toLowerCase();
  switch (verb) {
    case 'run':
      return parseRun(rest);
    case 'plan':
    case 'status':
    case 'help':
      return rest.length === 0 ? { kind: verb } : tooMany(verb, rest);
    case 'cancel':
      return parseUnit(rest, (unit) => ({ kind: 'cancel', unit }));
    case 'skip':
      return parseUnit(rest, (unit) =>
        unit === null
          ? problem('`skip` needs the name of a unit', '`/choo status` shows them')
          : { kind: 'skip', unit },
      );
    case 'retry':
      return parseRetry(rest);
    case '':
      return { kind: 'help' };
    default: {
      const close = nearest(verb, WORDS);
      const hint = close === undefined ? null : `did you mean \`${close}\`?`;
      return problem(`there is no command ${quote(word)}`, hint);
    }
  }
}

function parseRun(words: readonly string[]): Command {
  const options = { provider: null as ProviderName | null, forceProvider: null as ProviderName | null };
  const named: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const option = /^--(provider|force-provider)(?:=(.*))?$/.exec(word);
    if (option === null) {
      if (word.startsWith('-')) return unknownOption(word, ['--provider', '--force-provider']);
      named.push(word);
      continue;
    }
    const given = option[2] ?? words[(index += 1)];
    const provider = PROVIDER_NAMES.find((name) => name === given);
    if (provider === undefined)
      return problem(`${quote(given ?? '')} is no provider`, suggestion(given ?? '', PROVIDER_NAMES) ?? null);
    options[option[1] === 'provider' ? 'provider' : 'forceProvider'] = provider;
  }
  const [first = ''] = named;
  const commit = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(first) ? first : null;
  const units = [...new Set(commit === null ? named : named.slice(1))];
  const wrong = units.find((unit) => !isUnitId(unit));
  if (wrong !== undefined) return noUnit(wrong);
  return { kind: 'run', commit, units, ...options };
}

function parseRetry(words: readonly string[]): Command {
  const fresh = words.includes('--fresh');
  const rest = words.filter((word) => word !== '--fresh');
  const option = rest.find((word) => word.startsWith('-'));
  if (option !== undefined) return unknownOption(option, ['--fresh']);
  if (rest.length > 1) return tooMany('retry', rest.slice(1));
  const [name] = rest;
  if (name === undefined) return { kind: 'retry', unit: null, task: null, fresh };
  const [unit = '', task, ...more] = name.split('/');
  if (!isUnitId(unit) || more.length > 0) return noUnit(name);
  if (task !== undefined && !/^[1-9][0-9]{0,5}$/.test(task))
    return problem(`${quote(task)} is no number of a task`, 'it is a whole number from 1');
  return { kind: 'retry', unit, task: task === undefined ? null : Number(task), fresh };
}

function parseUnit(words: readonly string[], command: (unit: string | null) => Command): Command {
  const [unit, ...more] = words;
  if (more.length > 0) return tooMany(unit ?? '', more);
  if (unit !== undefined && unit.startsWith('-')) return unknownOption(unit, []);
  if (unit !== undefined && !isUnitId(unit)) return noUnit(unit);
  return command(unit ?? null);
}

function problem(message: string, hint: string | null): Command {
  return { kind: 'problem', message, hint };
}

function tooMany(after: string, words: readonly string[]): Command {
  return problem(`nothing belongs behind ${quote(after)}`, `leave out ${quote(words.join(' '))}`);
}

function unknownOption(word: string, known: readonly string[]): Command {
  return problem(`there is no option ${quote(word)}`, suggestion(word, known) ?? null);
}

function noUnit(word: string): Command {
  return problem(`${quote(word)} is no name of a unit`, 'a unit is named as its directory below the specs');
}

/** What was written, fit to be shown in code. */
function quote(text: string): string {
  const shown = text.replaceAll(/[`\p{Cc}\p{Cf}]/gu, '·');
  return `\`${shown.length > 40 ? `${shown.slice(0, 39)}…` : shown}\``;
}
