import {
  type AndOr,
  type Command,
  type CommandNode,
  type CompoundList,
  forEachChild,
  parse,
  type Pipeline,
  type Statement,
  type SyntaxNode,
} from 'unbash';
import { hasJudge } from './judges.ts';
import {
  exitOf,
  type Flags,
  isConstant,
  isConstantTest,
  isFilter,
  readsFile,
  scriptOf,
  setFlags,
  SUCCEED,
} from './shell-facts.ts';
import { programOf, unwrap, wordsOf } from './words.ts';

/** A part of a gate whose failure the gate does not pass on. */
interface Loss {
  /** The part, as it stands in the gate. */
  readonly part: string;
  readonly cause: LossCause;
  /** It runs tests, a linter, a compiler or a script. */
  readonly isJudge: boolean;
}

/** What takes the failure away. `constant`: the command has the same status each time. */
export type LossCause =
  | 'or'
  | 'pipe'
  | 'sequence'
  | 'background'
  | 'branch'
  | 'exit'
  | 'trap'
  | 'constant'
  | 'substitution';

/** What is known of the status of a shell command. */
export interface ShellStatus {
  /** Whether it can have a status that is not 0. */
  readonly canFail: boolean;
  /** The failures that get lost. Where it can fail all the same, only those of tests, linters and compilers. */
  readonly losses: readonly Loss[];
}

/** The deepest nesting of commands in text that is followed. */
const MAX_DEPTH = 4;

/**
 * Finds by reading whether a shell command can fail, and which failures it loses: by `|| true`, a pipe without `pipefail`, `&`,
 * and so on. What cannot be told counts as a command that fails. Rules: the POSIX shell, 2.8.2 and 2.9, and `set` and
 * *Pipelines* in bash's manual. Pure, linear.
 */
export function readStatus(text: string): ShellStatus {
  return new StatusReader(text).read();
}

class StatusReader {
  readonly #text: string;
  readonly #depth: number;
  readonly #losses: Loss[] = [];
  readonly #functions = new Map<string, SyntaxNode>();
  readonly #open = new Set<string>();

  constructor(text: string, depth = 0) {
    this.#text = text;
    this.#depth = depth;
  }

  read(flags: Flags = { errexit: false, pipefail: false }): ShellStatus {
    const script = parse(this.#text);
    // Who asks for a status by its name decides by it.
    const isByHand = /\$\?|\$\{?PIPESTATUS/.test(this.#text);
    if (isByHand || (script.errors?.length ?? 0) > 0) return { canFail: true, losses: [] };
    const canFail = this.#list(script.commands, flags);
    const silenced = this.#losses.some(({ cause }) => cause === 'trap');
    const fails = canFail && !silenced;
    if (fails) return { canFail, losses: this.#losses.filter((loss) => loss.isJudge) };
    if (this.#losses.length > 0) return { canFail: false, losses: this.#losses };
    return { canFail: false, losses: [{ part: this.#text.trim(), cause: 'constant', isJudge: false }] };
  }

  #list(statements: readonly Statement[], flags: Flags): boolean {
    let any = false; // with `errexit`, any command may end it
    let last = false;
    const before: Statement[] = [];
    for (const [index, statement] of statements.entries()) {
      const { command, background } = statement;
      const isLast = index === statements.length - 1;
      const exit = exitOf(command);
      if (exit !== undefined) {
        if (exit === 'dynamic' || exit === 'failure') return true;
        if (exit === 'last') return any || last;
        if (!flags.errexit) for (const each of before) this.#lose(each.command, 'exit');
        return any;
      }
      const canFail = this.#node(command, flags);
      if (background === true) {
        if (canFail && (isLast || this.#isWait(statements[index + 1])))
          this.#lose(statement.command, 'background');
        last = false;
        continue;
      }
      if (flags.errexit) any ||= canFail;
      else if (canFail && !isLast) before.push(statement);
      last = canFail;
    }
    // Without `errexit` only the last one counts.
    if (!flags.errexit) for (const each of before) this.#lose(each.command, 'sequence');
    return any || last;
  }

  #isWait(statement: Statement | undefined): boolean {
    const command = statement?.command;
    return command?.type === 'Command' && command.args.length === 0 && command.name?.value === 'wait';
  }

  #body(list: CompoundList, flags: Flags): boolean {
    return this.#list(list.commands, flags);
  }

  #node(node: AndOr | Pipeline | CommandNode, flags: Flags): boolean {
    switch (node.type) {
      case 'AndOr':
        return this.#andOr(node, flags);
      case 'Pipeline':
        return this.#pipeline(node, flags);
      case 'Command':
        return this.#command(node, flags);
      case 'Redirected':
        // A file that is missing is a failure.
        return this.#node(node.command, flags) || node.redirects.some(readsFile);
      case 'Subshell':
        return this.#body(node.body, { ...flags });
      case 'BraceGroup':
        return this.#body(node.body, flags);
      case 'If': {
        const bodies = [
          node.then,
          ...node.elif.map(({ then }) => then),
          ...(node.else === undefined ? [] : [node.else]),
        ];
        const tried = [node.clause, ...node.elif.map(({ clause }) => clause)].map((clause) =>
          this.#body(clause, { ...flags, errexit: false }),
        );
        const canFail = bodies.map((body) => this.#body(body, flags)).some(Boolean);
        if (!canFail && tried.some(Boolean)) this.#lose(node.clause, 'branch');
        return canFail;
      }
      case 'For':
      case 'ArithmeticFor':
      case 'Select':
        return this.#body(node.body, flags);
      case 'While':
        if (this.#body(node.clause, { ...flags, errexit: false })) this.#lose(node.clause, 'branch');
        return this.#body(node.body, flags);
      case 'Case':
        return node.items.map(({ body }) => this.#body(body, flags)).some(Boolean);
      case 'Function':
        this.#functions.set(node.name.value, node.body);
        return false;
      case 'Coproc':
        return false;
      case 'TestCommand':
        return !isConstant(node.expression);
      case 'ArithmeticCommand':
        break;
    }
    return !/^[\d\s()+*/%<>=!&|^~?:-]*$/.test(node.body);
  }

  #andOr({ commands, operators }: AndOr, flags: Flags): boolean {
    const plain = { ...flags, errexit: false };
    let canFail = false;
    const fallible: (AndOr | Pipeline | CommandNode)[] = [];
    for (const [index, command] of commands.entries()) {
      const operator = index === 0 ? '&&' : operators[index - 1];
      const own = this.#exits(command) ?? this.#node(command, plain);
      if (operator === '&&') canFail ||= own;
      else {
        if (canFail && !own) for (const each of fallible) this.#lose(each, 'or');
        canFail &&= own;
      }
      if (own) fallible.push(command);
    }
    flags.pipefail = plain.pipefail;
    return canFail;
  }

  /** Whether a command that leaves the shell leaves it with a failure; undefined: it does not leave it. */
  #exits(command: AndOr | Pipeline | CommandNode): boolean | undefined {
    const exit = exitOf(command);
    return exit === undefined ? undefined : exit !== 'success';
  }

  #pipeline({ prefixes, commands }: Pipeline, flags: Flags): boolean {
    const statuses = commands.map((command) => this.#node(command, { ...flags }));
    const last = commands.at(-1);
    const lastCounts = statuses.at(-1) === true && !(commands.length > 1 && isFilter(last));
    if (prefixes.some(({ type }) => type === 'Negation')) return true;
    if (commands.length === 1) return statuses[0] === true;
    const before = commands
      .slice(0, -1)
      .filter((command, index) => statuses[index] === true && !isFilter(command));
    if (flags.pipefail) return lastCounts || before.length > 0;
    for (const command of before) this.#lose(command, 'pipe');
    return lastCounts;
  }

  #command(command: Command, flags: Flags): boolean {
    const { name, prefix, redirects } = command;
    const inner = this.#substitutions(command);
    if (redirects.some(readsFile)) return true;
    if (name === undefined) return prefix.length > 0 && inner; // `x=$(command)` has its status
    const words = unwrap(wordsOf(command));
    const program = programOf(words);
    if (program === 'set' || program === 'shopt') setFlags(words, flags);
    if (program === 'trap') this.#trap(words);
    if (program === 'wait' && words.length > 1) return true;
    if (SUCCEED.has(program)) {
      if (inner) this.#lose(command, 'substitution');
      return false;
    }
    if (program === 'test' || program === '[') return !isConstantTest(words.slice(1));
    if (program === 'eval') return this.#inner(words.slice(1), flags);
    const script = scriptOf(words);
    if (script !== undefined) return this.#inner([script.text], script.flags);
    const own = this.#functions.get(program);
    if (own === undefined || this.#open.has(program)) return true;
    this.#open.add(program);
    const canFail = this.#function(own, flags);
    this.#open.delete(program);
    return canFail;
  }

  #function(body: SyntaxNode, flags: Flags): boolean {
    if (body.type === 'CompoundList') return this.#body(body, flags);
    return this.#node(body as CommandNode, flags);
  }

  /** Whether a command in `$(…)` of a command can fail. */
  #substitutions(command: Command): boolean {
    let canFail = false;
    const visit = (node: SyntaxNode): void => {
      if (node.type === 'CommandExpansion' && node.script !== undefined) {
        if (node.script.source === undefined)
          canFail ||= this.#list(node.script.commands, { errexit: false, pipefail: false });
        else canFail = true; // backquotes with escapes: positions are those of another text
        return;
      }
      forEachChild(node, (child) => {
        visit(child);
      });
    };
    forEachChild(command, (child) => {
      visit(child);
    });
    return canFail;
  }

  /** A command that is given as text. */
  #inner(words: readonly (string | undefined)[], flags: Flags): boolean {
    if (words.includes(undefined) || this.#depth >= MAX_DEPTH) return true;
    const reader = new StatusReader(words.join(' '), this.#depth + 1);
    const { canFail, losses } = reader.read({ ...flags });
    this.#losses.push(...losses.filter(({ cause }) => cause !== 'constant'));
    return canFail;
  }

  /** `trap 'exit 0' EXIT` replaces the status of the whole. */
  #trap([, action, ...signals]: readonly (string | undefined)[]): void {
    if (action === undefined || !signals.some((signal) => /^(?:SIG)?(?:EXIT|0|ERR)$/i.test(signal ?? '')))
      return;
    const last = parse(action).commands.at(-1);
    if (last !== undefined && exitOf(last.command) === 'success')
      this.#losses.push({ part: `trap '${action}'`, cause: 'trap', isJudge: false });
  }

  #lose(node: SyntaxNode, cause: LossCause): void {
    const part = this.#text.slice(node.pos, node.end).trim();
    if (!this.#losses.some((loss) => loss.part === part))
      this.#losses.push({ part, cause, isJudge: hasJudge(node) });
  }
}
