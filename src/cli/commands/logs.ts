import { Command } from 'commander';
import { ChooError } from '../../errors.ts';
import type { RunEvent } from '../../events/event.ts';
import { advance, type RunState } from '../../events/state.ts';
import { escapeHiddenInJson } from '../../text/hidden-text.ts';
import { suggestion } from '../../text/nearest.ts';
import { printable } from '../../text/terminal-layout.ts';
import { stripSequences } from '../../text/terminal-sequences.ts';
import type { CommandContext } from '../context.ts';
import type { LogSource } from '../sources/log-source.ts';
import { parseRunSelector, openRunSource, readRun, type RunSource } from '../sources/run-source.ts';

interface LogsOptions {
  readonly follow?: boolean;
  readonly run?: string;
  readonly json?: boolean;
  readonly raw?: boolean;
}

/** `choo logs`: what happened in a unit, word for word. */
export function logsCommand(context: CommandContext): Command {
  return new Command('logs')
    .summary("print a unit's log")
    .description(
      'Prints the output of agents, gates and commands for a unit, from its newest run. Escape sequences are left out, unless `--raw` is given; on a terminal, hidden text is escaped.',
    )
    .argument('<unit>', 'the id of the unit')
    .argument('[path]', 'the project directory, or the id of a run (default: this project, else the server)')
    .option('-f, --follow', 'print new output until the unit ends; Ctrl-C does not stop the run')
    .option('--run <id>', 'use this run instead of the newest that has the unit')
    .option('--raw', 'print the log byte for byte, with colours and escape sequences; not on a terminal')
    .option('--json', 'print each event of the unit as a line of JSON (`choo schema events` describes it)')
    .addHelpText('after', HELP)
    .action(async (unit: string, path: string | undefined, options: LogsOptions) =>
      printLogs(context, unit, path, options),
    );
}

const HELP = `
Exit status: 0 the log is printed, 1 the unit has no log, 2 wrong usage, or an unknown unit or run.

Examples:
  choo logs api                         the log of the unit api
  choo logs api --follow                with new output as it comes
  choo logs api --json | jq -r .type    its events, for scripts`;

async function printLogs(
  context: CommandContext,
  unit: string,
  path: string | undefined,
  { follow = false, run, json = false, raw = false }: LogsOptions,
): Promise<void> {
  const { terminal, finish } = context;
  await using source = await openRunSource(context, parseRunSelector(path, run));
  const state = await findRun(source, unit, run ?? parseRunSelector(path, run).run);
  const id = state.start.run;
  const { owner, status } = await source.liveness(state);
  const running =
    source.kind === 'server' ? status === 'running' || status === 'waiting' : owner !== undefined;
  const ended = new AbortController();
  const watched = { source, state, unit, signal: ended };

  if (json) {
    await watchUnit(watched, follow && running, (event) =>
      terminal.out(`${escapeHiddenInJson(JSON.stringify(event))}\n`),
    );
    finish(0);
    return;
  }
  const log = source.log(id, unit);
  const printer = new LogPrinter(log, lineFilter(terminal.interactive, raw), terminal.out);
  if (follow && running) {
    const watching = watchUnit(watched, true, () => {});
    const following = log.follow(async () => printer.print(), ended.signal);
    try {
      await Promise.all([watching, following]);
    } finally {
      ended.abort();
    }
  }
  await printer.print();
  printer.end();
  if (!printer.found)
    terminal.notice(
      `Run ${id} has no log of \`${unit}\`: work on it never started, or \`choo cleanup\` removed the log.\n`,
    );
  finish(printer.found ? 0 : 1);
}

/** More runs than these are not searched for a unit. */
const RUNS_SEARCHED = 20;

/**
 * The run that was asked for, or the newest that has the unit, of this project before others of its repository. Throws a
 * ChooError (`usage`) when there is none.
 */
async function findRun(source: RunSource, unit: string, run: string | undefined): Promise<RunState> {
  const runs = run === undefined ? await source.store.runs(RUNS_SEARCHED) : [run];
  let newest: RunState | undefined;
  let elsewhere: RunState | undefined;
  for (const each of runs) {
    const state = await readRun(source, each);
    if (state.units.has(unit)) {
      if (run !== undefined || state.start.directory === source.directory) return state;
      elsewhere ??= state;
    }
    newest ??= state;
  }
  if (elsewhere !== undefined) return elsewhere;
  if (newest === undefined) throw new ChooError('usage', 'there are no logs: nothing has run here yet');
  const where = run === undefined ? 'no run here has a unit' : `run ${newest.start.run} has no unit`;
  const hint = suggestion(unit, [...newest.units.keys()]);
  throw new ChooError('usage', `${where} \`${unit}\``, hint === undefined ? {} : { hint });
}

interface Watched {
  readonly source: RunSource;
  readonly state: RunState;
  readonly unit: string;
  /** Aborted when the unit ends. */
  readonly signal: AbortController;
}

/** Tells the events of a unit, those there are, and with `follow` those to come until it ends, or the run does. */
async function watchUnit(
  { source, state, unit, signal }: Watched,
  follow: boolean,
  onEvent: (event: RunEvent) => void,
): Promise<void> {
  let now: RunState | undefined;
  const take = (events: readonly RunEvent[]): void => {
    for (const event of events) {
      now = advance(now, event);
      if ('unit' in event && event.unit === unit) onEvent(event);
    }
    if (now !== undefined && hasEnded(now, unit)) signal.abort();
  };
  if (follow) await source.store.subscribe(state.start.run, 0, take, signal.signal);
  else take(await source.store.read(state.start.run));
}

function hasEnded(state: RunState, unit: string): boolean {
  const progress = state.units.get(unit)?.state;
  return state.status !== 'running' || (progress !== 'pending' && progress !== 'running');
}

/** Prints what a log grew by since it was printed last, in whole lines. */
class LogPrinter {
  readonly #log: LogSource;
  readonly #safe: (line: string) => string;
  readonly #out: (text: string) => void;
  /** The start of a line whose end has not been written yet. */
  #rest = '';
  found = false;

  constructor(log: LogSource, safe: (line: string) => string, out: (text: string) => void) {
    this.#log = log;
    this.#safe = safe;
    this.#out = out;
  }

  async print(): Promise<void> {
    for (;;) {
      const text = await this.#log.next();
      this.found ||= text !== undefined;
      if (text === undefined || text === '') return;
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      if (lines.length > 0) this.#out(`${lines.map(this.#safe).join('\n')}\n`);
    }
  }

  /** Prints a last line that has no end. */
  end(): void {
    if (this.#rest !== '') this.#out(`${this.#safe(this.#rest)}\n`);
    this.#rest = '';
  }
}

/** What is done with each line before it is printed. */
function lineFilter(interactive: boolean, raw: boolean): (line: string) => string {
  if (interactive) return makeSafe;
  return raw ? (line) => line : stripSequences;
}

/** A line without colours, and with nothing else in it that a terminal would obey. */
function makeSafe(line: string): string {
  return printable(stripSequences(line.replace(/\r$/, '')));
}
