import { posix } from 'node:path';
import { type Command, parse, type Word, type WordPart } from 'unbash';
import { readMake, readScripts, type MakeCall, type ScriptCall } from './builds.ts';
import {
  CONFIGURES,
  INTERPRETERS,
  LOADING_VARIABLES,
  LOOKING,
  PYTHON,
  RUNNERS,
  SEARCH_VARIABLES,
  SHELL,
} from './programs.ts';
import { scriptOf } from './shell-facts.ts';
import { eachCommandOf, literal, programOf, unwrap } from './words.ts';

/** A path that a command names. */
export interface NamedPath {
  /** From the root of the repository, normal; with `*` where a pattern or a variable stands. */
  readonly path: string;
  /** Whether a program is told to run it, or to run the tests in it. */
  readonly isStarted: boolean;
  /** Whether it may be a directory, and not a word that only looks like one. */
  readonly mayBeDirectory: boolean;
}

/** What commands name. All paths and directories are from the root of the repository; the root is empty. */
export interface GateNames {
  readonly paths: readonly NamedPath[];
  /** Scripts of a `package.json` that they run. */
  readonly scripts: readonly ScriptCall[];
  readonly makes: readonly MakeCall[];
  /** Directories in which Python looks for modules before it looks for its own. */
  readonly moduleDirectories: readonly string[];
}

/** A longer command is read word by word only. UTF-16 code units. */
const MAX_LENGTH = 16_384;
/** Directories that a command may be in. */
const MAX_DIRECTORIES = 8;
/** Shells in shells. */
const MAX_DEPTH = 4;

/** What stands for the value of a variable that is not known. */
const UNKNOWN = '*';

/**
 * Reads which files a command may use. `directories`: those that it may run in, from the root of the repository, the likeliest
 * first. Heuristic: names that are computed are missed. Pure, never throws; the work is linear in the length of the command.
 */
export function readGateNames(command: string, directories: readonly string[]): GateNames {
  const reader = new NameReader(directories);
  if (command.length > MAX_LENGTH) reader.readWords(command);
  else reader.readShell(command, 0);
  return reader;
}

class NameReader implements GateNames {
  readonly #paths = new Map<string, NamedPath>();
  readonly scripts: ScriptCall[] = [];
  readonly makes: MakeCall[] = [];
  readonly #moduleDirectories = new Set<string>();
  readonly #variables = new Map<string, string>();
  #directories: readonly string[];

  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  get paths(): readonly NamedPath[] {
    return [...this.#paths.values()];
  }

  get moduleDirectories(): readonly string[] {
    return [...this.#moduleDirectories];
  }

  readShell(text: string, depth: number): void {
    const script = parse(text);
    // What a loop or a document holds is no word of a command.
    if ((script.errors ?? []).length > 0 || /\bfor\b|\bcase\b|\bselect\b|<</.test(text)) this.readWords(text);
    eachCommandOf(script, (command) => this.#readCommand(command, depth));
  }

  /** Takes every word that could be a path. */
  readWords(text: string): void {
    for (const word of text.split(SEPARATORS))
      this.#add(word, { isStarted: false, mayBeDirectory: false, isRooted: false });
  }

  #readCommand(command: Command, depth: number): void {
    for (const each of [...command.prefix, ...command.args])
      if (each.type === 'Assignment' && each.value !== undefined && 'parts' in each.value) {
        const name = each.name ?? '';
        this.#readVariable(name, this.#textOf(each.value));
        const value = this.#variables.has(name) ? UNKNOWN_START : this.#joined(each.value);
        this.#variables.set(name, value);
      }
    const nodes = [command.name, ...command.args].filter((each) => each?.type === 'Word');
    const values = nodes.map((node) => this.#textOf(node));
    const words = unwrap(values.map(({ text }) => text));
    const own = values.slice(values.length - words.length);
    this.#readWrapper(values.slice(0, values.length - words.length));
    const program = programOf(words);
    for (const redirect of command.redirects)
      if (redirect.type === 'Redirect' && redirect.target !== undefined && redirect.operator === '<')
        this.#addWord(this.#textOf(redirect.target), { isStarted: SHELL.test(program) });
    if (program === 'cd' || program === 'pushd') this.#enter(own[1]);
    const inner = scriptOf(nodes.map((node) => literal(node)).slice(-words.length))?.text;
    const evaluated = program === 'eval' ? words.slice(1).join(' ') : inner;
    if (evaluated !== undefined && depth < MAX_DEPTH) this.readShell(evaluated, depth + 1);
    this.scripts.push(...this.#inDirectories((directory) => readScripts(words, directory)));
    this.makes.push(...this.#inDirectories((directory) => readMake(words, directory)));
    if (PYTHON.test(program))
      for (const directory of this.#directories) this.#moduleDirectories.add(directory);
    this.#readOperands(program, own, values.slice(0, values.length - words.length));
  }

  /** What stands before the command that does the work: `env -C sub A=1`. */
  #readWrapper(before: readonly Value[]): void {
    for (const [index, { text, isRooted }] of before.entries()) {
      const [, name, value] = /^(\w+|--chdir)=(.*)$/s.exec(text) ?? [];
      if (name === '--chdir') this.#enter({ text: value ?? '', isRooted });
      else if (name !== undefined) this.#readVariable(name, { text: value ?? '', isRooted: false });
      if (text === '-C' || text === '--chdir') this.#enter(before[index + 1]);
    }
  }

  /** Some variables tell programs what to load, or where to look for it. */
  #readVariable(name: string, value: Value): void {
    if (LOADING_VARIABLES.has(name)) this.#addWord(value, { isStarted: true });
    if (SEARCH_VARIABLES.has(name))
      for (const text of value.text.split(':')) this.#enter({ text, isRooted: value.isRooted });
  }

  #readOperands(program: string, own: readonly Value[], before: readonly Value[]): void {
    const isLooking = LOOKING.has(program);
    const isRunner = RUNNERS.has(program) || own.some(({ text }) => text === '--test' || text === 'unittest');
    const isInterpreter = INTERPRETERS.has(program);
    let hasScript = false;
    for (const value of before) this.#addWord(value, {});
    for (const [index, value] of own.entries()) {
      const { text } = value;
      if (index === 0) {
        if (text.includes('/')) this.#addWord(value, { isStarted: true });
        else this.#addWord(value, {});
        continue;
      }
      const isOption = text.startsWith('-');
      const configures = CONFIGURES.test(own[index - 1]?.text ?? '') || (isOption && text.includes('='));
      const isOperand = !isOption && !configures;
      if (isLooking && isOperand) continue;
      const isFirst = isInterpreter && isOperand && !hasScript;
      const isStarted = isFirst || configures || (isRunner && isOperand);
      this.#addWord(value, { isStarted, mayBeDirectory: isRunner });
      if (!isFirst) continue;
      hasScript = true;
      if (own[index - 1]?.text === '-m') this.#addModule(text);
      if (PYTHON.test(program) && own[index - 1]?.text !== '-m' && own[index - 1]?.text !== '-c')
        for (const { path } of this.#resolve(value)) this.#moduleDirectories.add(parentOf(path));
    }
    if (own.some(({ text }) => text === 'unittest'))
      for (const { text } of own.slice(1)) if (/^\w+(?:\.\w+)+$/.test(text)) this.#addModule(text);
  }

  /** A module of Python, and the file that holds it. A test may be named inside of one. */
  #addModule(name: string): void {
    const parts = name.split('.');
    for (let length = parts.length; length > 0; length -= 1) {
      const path = parts.slice(0, length).join('/');
      for (const each of [`${path}.py`, `${path}/__main__.py`, `${path}/__init__.py`])
        this.#add(each, { isStarted: true, mayBeDirectory: false, isRooted: false });
    }
  }

  #enter(value: Value | undefined): void {
    if (value === undefined || value.text === '-' || value.text === '') return;
    const entered = this.#resolve(value).map(({ path }) => path);
    this.#directories = [...new Set([...entered, ...this.#directories])].slice(0, MAX_DIRECTORIES);
  }

  #inDirectories<T>(read: (directory: string) => readonly T[]): readonly T[] {
    return this.#directories.flatMap((directory) => read(directory));
  }

  #addWord(
    value: Value,
    {
      isStarted = false,
      mayBeDirectory = false,
    }: { readonly isStarted?: boolean; readonly mayBeDirectory?: boolean },
  ): void {
    const { text, isRooted } = value;
    const pieces = text.split(SEPARATORS);
    const all = pieces.length === 1 ? [text] : [text, ...pieces];
    for (const piece of all)
      this.#add(piece, {
        isStarted,
        mayBeDirectory: mayBeDirectory || piece.includes('/'),
        isRooted: isRooted && piece.startsWith('/'),
      });
  }

  #add(
    text: string,
    { isStarted, mayBeDirectory, isRooted }: Omit<NamedPath, 'path'> & Pick<Value, 'isRooted'>,
  ): void {
    for (const { path } of this.#resolve({ text, isRooted })) {
      const known = this.#paths.get(path);
      this.#paths.set(path, {
        path,
        isStarted: isStarted || known?.isStarted === true,
        mayBeDirectory: mayBeDirectory || known?.mayBeDirectory === true,
      });
    }
  }

  /** Where a word may lead, if it is a path in the repository. */
  #resolve({ text, isRooted }: Value): readonly { readonly path: string }[] {
    const word = isRooted ? text.replace(/^\/+/, '') : text.replace(/^~\+\//, '');
    if (word === '' || word.startsWith('/') || word.startsWith('-') || word.includes('\0')) return [];
    const from = isRooted ? [...new Set([...this.#directories, ''])] : this.#directories;
    return from.flatMap((directory) => {
      const path = posix.normalize(posix.join(directory, word)).replace(/\/$/, '');
      return path === '.' || path === '..' || path.startsWith('../') ? [] : [{ path }];
    });
  }

  /** The text of a word, with the values of variables that are known. */
  #textOf(word: Word): Value {
    const joined = this.#joined(word);
    // What is not known is most often a directory: `$PWD/check.sh`, `$(dirname "$0")/lib.sh`.
    const isRooted = joined.startsWith(UNKNOWN_START);
    const text = joined.replaceAll(UNKNOWN_START, UNKNOWN);
    return isRooted && text.startsWith(`${UNKNOWN}/`)
      ? { text: text.slice(UNKNOWN.length), isRooted }
      : { text, isRooted: false };
  }

  /** The same, with a mark for each value that is not known. */
  #joined({ parts = [], value }: Word): string {
    return parts.length === 0 ? value : parts.map((part) => this.#partText(part)).join('');
  }

  #partText(part: WordPart): string {
    switch (part.type) {
      case 'DoubleQuoted':
      case 'LocaleString':
        return part.parts.map((each) => this.#partText(each)).join('');
      case 'Literal':
      case 'SingleQuoted':
      case 'AnsiCQuoted':
        return part.value;
      case 'SimpleExpansion':
        return this.#variables.get(part.text.slice(1)) ?? UNKNOWN_START;
      case 'ParameterExpansion': {
        const known = this.#variables.get(part.parameter);
        if (part.operation === undefined) return known ?? UNKNOWN_START;
        return part.operation.type === 'Default' &&
          known === undefined &&
          /^:?[-=]$/.test(part.operation.operator)
          ? this.#joined(part.operation.operand)
          : UNKNOWN_START;
      }
      case 'Glob':
      case 'ExtendedGlob':
      case 'BraceExpansion':
        return part.text;
      case 'CommandExpansion':
      case 'ArithmeticExpansion':
      case 'ProcessSubstitution':
        return UNKNOWN_START;
      default:
        return part satisfies never;
    }
  }
}

/** A word's text. `isRooted`: it begins with a directory that is not known. */
interface Value {
  readonly text: string;
  readonly isRooted: boolean;
}

const UNKNOWN_START = '\u0001';
/** What ends a path inside of a word. */
const SEPARATORS = /[\s"'`=;&|<>(){}$,:\u0001]+/;

function parentOf(path: string): string {
  const parent = posix.dirname(path);
  return parent === '.' ? '' : parent;
}
