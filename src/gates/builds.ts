import { posix } from 'node:path';
import { programOf, type Words } from './words.ts';

/** A script of a `package.json`. */
export interface ScriptCall {
  /** Where the `package.json` is, from the root of the repository; empty: there. */
  readonly directory: string;
  readonly name: string;
}

/** A call of `make`. */
export interface MakeCall {
  readonly directory: string;
  /** The Makefiles it names, from `directory`; none: the usual names. */
  readonly files: readonly string[];
  /** None: the first one. */
  readonly targets: readonly string[];
}

/** Names of Makefiles, in the order in which GNU make looks for them. */
export const MAKEFILES = ['GNUmakefile', 'makefile', 'Makefile'] as const;

const MANAGERS = new Set(['npm', 'pnpm', 'yarn', 'bun', 'node', 'npm-run-all', 'run-s', 'run-p']);
/** Options of package managers behind which a directory stands. */
const ELSEWHERE = /^(?:--prefix|-C|--dir|--cwd|-w|--workspace|--filter|-F)$/;
/** Words that package managers know themselves. */
const OWN_WORDS = new Set(
  'add audit cache ci config create dedupe dlx exec i info init install link list ls node outdated pack publish rebuild remove rm unlink up update upgrade version why x'.split(
    ' ',
  ),
);

/** The scripts that a command of a package manager runs; none: it is no such command. */
export function readScripts(words: Words, directory: string): readonly ScriptCall[] {
  const program = programOf(words);
  if (!MANAGERS.has(program)) return [];
  let place = directory;
  const names: string[] = [];
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [, option = '', joined] = /^(-[^=]*)(?:=(.*))?$/.exec(word) ?? [];
    if (option === '--') break;
    if (program === 'node') {
      if (option === '--run') names.push(joined ?? words[at + 1] ?? '');
    } else if (ELSEWHERE.test(option)) {
      place = join(directory, joined ?? words[at + 1] ?? '');
      if (joined === undefined) at += 1;
    } else if (option === '') names.push(word);
  }
  const found = scriptNames(program, names);
  return found.flatMap((name) =>
    [`pre${name}`, name, `post${name}`].map((each) => ({ directory: place, name: each })),
  );
}

function scriptNames(program: string, [verb = '', ...rest]: readonly string[]): readonly string[] {
  if (program === 'node') return verb === '' ? [] : [verb];
  if (/^(?:npm-run-all|run-s|run-p)$/.test(program)) return verb === '' ? [] : [verb, ...rest];
  if (/^(?:run|run-script|rum|urn)$/.test(verb)) return rest.slice(0, 1);
  if (/^(?:test|t|tst)$/.test(verb)) return ['test'];
  if (/^(?:start|stop|restart)$/.test(verb)) return [verb];
  // `bun test` is a runner of its own.
  return program === 'npm' || program === 'bun' || verb === '' || OWN_WORDS.has(verb) ? [] : [verb];
}

/** What a command asks `make` for; none: it is no such command. */
export function readMake(words: Words, directory: string): readonly MakeCall[] {
  if (!/^g?make$/.test(programOf(words))) return [];
  let place = directory;
  const [files, targets]: [string[], string[]] = [[], []];
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [, option = '', joined = ''] =
      /^(-[Cf])(.+)$/.exec(word) ?? /^(--(?:directory|file|makefile))=(.*)$/.exec(word) ?? [];
    const isOption = /^(?:-[CfIoW]|--(?:directory|file|makefile|include-dir))$/.test(word);
    const [name, value] = isOption ? [word, words[at + 1] ?? ''] : [option, joined];
    if (isOption) at += 1;
    if (name === '-C' || name === '--directory') place = join(place, value);
    else if (name === '-f' || name === '--file' || name === '--makefile') files.push(value);
    else if (name === '' && !word.startsWith('-') && !word.includes('=')) targets.push(word);
  }
  return [{ directory: place, files, targets }];
}

/** The commands of a script of a `package.json`; undefined: it has none of this name, or is none. */
export function scriptIn(manifest: string, name: string): string | undefined {
  try {
    const { scripts } = JSON.parse(manifest) as { scripts?: Readonly<Record<string, unknown>> };
    const script = scripts !== undefined && Object.hasOwn(scripts, name) ? scripts[name] : undefined;
    return typeof script === 'string' ? script : undefined;
  } catch {
    return undefined;
  }
}

/** The most targets of one Makefile that are read. */
const MAX_TARGETS = 100;

/**
 * The commands of targets in a Makefile, with those that they need, and the files that it includes. Conditions, patterns and
 * functions are not followed.
 */
export function recipesIn(
  makefile: string,
  targets: readonly string[],
): { readonly commands: readonly string[]; readonly includes: readonly string[] } {
  const variables = new Map<string, string>();
  const rules = new Map<string, { readonly needs: string[]; readonly commands: string[] }>();
  const includes: string[] = [];
  let current: readonly string[] = [];
  for (const line of makefile.replaceAll(/\\\r?\n/g, ' ').split('\n')) {
    if (line.startsWith('\t')) {
      const command = line
        .replace(/^\t+/, '')
        .replace(/^[-@+]+/, '')
        .trim();
      for (const target of current) if (command !== '') rules.get(target)?.commands.push(command);
      continue;
    }
    const text = line.split('#')[0]?.trim() ?? '';
    const assigned = readAssignment(text);
    const [word = '', ...included] = text.split(/\s/);
    const colon = text.indexOf(':');
    if (assigned !== undefined) variables.set(assigned.name, assigned.value);
    else if (/^-?s?include$/.test(word)) includes.push(...included.filter((each) => each !== ''));
    else if (colon > 0) {
      current = text.slice(0, colon).trim().split(/\s+/);
      const [needs = '', command] = text
        .slice(colon + 1)
        .replace(/^:/, '')
        .split(';');
      for (const target of current) {
        const rule = rules.get(target) ?? { needs: [], commands: [] };
        rules.set(target, rule);
        rule.needs.push(...needs.split(/[\s|]+/).filter((each) => each !== ''));
        if (command !== undefined) rule.commands.push(command.trim());
      }
    }
  }
  const first = [...rules.keys()].find((target) => !target.startsWith('.'));
  const open = targets.length > 0 ? [...targets] : first === undefined ? [] : [first];
  const seen = new Set<string>();
  const commands: string[] = [];
  for (let target = open.pop(); target !== undefined && seen.size < MAX_TARGETS; target = open.pop()) {
    if (seen.has(target)) continue;
    seen.add(target);
    const rule = rules.get(target);
    open.push(...(rule?.needs ?? []));
    commands.push(...(rule?.commands ?? []).map((command) => withVariables(command, variables)));
  }
  return { commands, includes };
}

/** `NAME = value`, also with `export`, `?=`, `:=` and `+=`. */
function readAssignment(text: string): { readonly name: string; readonly value: string } | undefined {
  const equals = text.indexOf('=');
  if (equals < 0) return undefined;
  const words = text
    .slice(0, equals)
    .replaceAll(/[?+:]/g, ' ')
    .split(' ')
    .filter((each) => each !== '');
  const [first = '', second] = words;
  const name = second === undefined ? first : /^(?:export|override)$/.test(first) ? second : '';
  return words.length > 2 || !/^[\w.-]+$/.test(name)
    ? undefined
    : { name, value: text.slice(equals + 1).trim() };
}

function withVariables(command: string, variables: ReadonlyMap<string, string>): string {
  let text = command;
  for (let depth = 0; depth < 4 && text.length < 16_384; depth += 1) {
    const next = text.replaceAll(/\$[({]([\w.-]+)[)}]/g, (whole, name: string) =>
      name === 'CURDIR' ? '.' : (variables.get(name) ?? (name === 'MAKE' ? 'make' : whole)),
    );
    if (next === text) break;
    text = next;
  }
  return text.replaceAll('$$', '$');
}

function join(directory: string, word: string): string {
  const path = posix.normalize(posix.join(directory, word)).replace(/\/$/, '');
  return path === '.' ? '' : path;
}
