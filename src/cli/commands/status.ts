import { Command } from 'commander';
import type { RunState } from '../../events/state.ts';
import { printable } from '../../text/terminal-layout.ts';
import type { CommandContext } from '../context.ts';
import {
  parseRunSelector,
  openRunSource,
  type Owner,
  readRun,
  type Liveness,
} from '../sources/run-source.ts';
import type { Terminal } from '../terminal.ts';
import { renderLive } from '../views/live-lines.ts';
import { renderSummary } from '../views/run-summary.ts';
import { statusOf } from '../views/status-schema.ts';

interface StatusOptions {
  readonly run?: string;
  readonly json?: boolean;
}

/** `choo status`: how far a run is, or what became of it. */
export function statusCommand(context: CommandContext): Command {
  const { terminal, finish, programName } = context;
  return new Command('status')
    .summary('show the progress or the result of a run')
    .description(
      'Shows the newest run of this repository: its units, their cost, and the process that runs it. Changes nothing, and works while a run is active.',
    )
    .argument('[path]', 'the project directory, or the id of a run (default: this project, else the server)')
    .option('--run <id>', 'show this run instead of the newest')
    .option('--json', 'print the run as JSON (`choo schema status` describes it)')
    .addHelpText('after', HELP)
    .action(async (path: string | undefined, options: StatusOptions) => {
      const wanted = parseRunSelector(path, options.run);
      await using source = await openRunSource(context, wanted);
      const run = wanted.run ?? (await source.store.runs(1))[0];
      if (run === undefined) {
        terminal.notice(`Nothing has run here yet. \`${programName} run\` starts a run.\n`);
        finish(1);
        return;
      }
      const state = await readRun(source, run);
      const liveness = await source.liveness(state);
      if (options.json === true) terminal.json(statusOf(state, liveness));
      else {
        const other = await source.other(state);
        const words = { ...terminal, programName };
        terminal.out(otherRun(other) + renderStatus(state, liveness, words));
      }
      finish(0);
    });
}

const HELP = `
Exit status: 0 a run is shown, 1 there is no run yet, 2 wrong usage, or an unknown run.

Examples:
  choo status                              the newest run
  watch choo status                        refresh it while a run is active
  choo status --run 4k2j9x0q7a             an older run
  choo status --json | jq .totals.complete for scripts`;

function otherRun(other: (Owner & { readonly run: string }) | undefined): string {
  if (other === undefined) return '';
  return `Run ${printable(other.run)} has been running since ${timeOf(other.since)} (process ${other.pid}).\n\n`;
}

function renderStatus(
  state: RunState,
  { status, owner }: Liveness,
  medium: Pick<Terminal, 'width' | 'paint'> & { readonly programName: string },
): string {
  if (status === 'stopped')
    return `The process running it died; no process is working on it.\n\n${renderSummary(state, medium)}`;
  if (status !== 'running' && status !== 'waiting') return renderSummary(state, medium);
  const title = `Run ${state.start.run} for ${printable(state.start.target)}`;
  const who =
    status === 'waiting'
      ? 'is waiting for the run before it'
      : owner === undefined
        ? 'is waiting for a worker'
        : `has been running since ${timeOf(owner.since)} (process ${owner.pid})`;
  const now = Math.max(Date.now(), state.lastAt);
  const lines = renderLive(state, new Map(), { ...medium, rows: Number.POSITIVE_INFINITY, now });
  return `${title} ${who}.\n\n${lines.join('\n')}\n`;
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
