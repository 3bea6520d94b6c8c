import { Command } from 'commander';
import type { RunState } from '../events/state.ts';
import { printable } from '../plan/layout.ts';
import { type LockOwner, readLock } from '../store/journal-lock.ts';
import type { CommandContext } from './context.ts';
import { renderLive } from './live-lines.ts';
import { openLocalJournal, readRun } from './local-journal.ts';
import { renderSummary } from './run-summary.ts';
import { statusOf } from './status-schema.ts';
import type { Terminal } from './terminal.ts';

interface StatusOptions {
  readonly run?: string;
  readonly json?: boolean;
}

/** `choo status`: how far a run is, or what became of it. */
export function statusCommand(context: CommandContext): Command {
  const { terminal, finish, called } = context;
  return new Command('status')
    .summary('show how far a run is, or what became of it')
    .description(
      'Shows the newest run of this repository: its units, what they cost, and who is running it.\nReads the journal and changes nothing; works while another process runs.',
    )
    .argument('[path]', 'the project directory (default: this one, or the nearest above it with specs)')
    .option('--run <id>', 'show this run, not the newest')
    .option('--json', 'print the run as JSON (`choo schema status` describes it)')
    .addHelpText('after', HELP)
    .action(async (path: string | undefined, options: StatusOptions) => {
      const { place, journal } = await openLocalJournal(context, path);
      // Before the events: a run that ends in between is then shown as complete, not as abandoned.
      const owner = await readLock(place.commonDirectory);
      const run = options.run ?? (await journal.runs())[0];
      if (run === undefined) {
        terminal.note(`Nothing has run here yet. \`${called} run\` starts.\n`);
        finish(1);
        return;
      }
      const state = await readRun(journal, run);
      if (options.json === true) terminal.json(statusOf(state, owner));
      else terminal.out(renderStatus(state, owner, { ...terminal, called }));
      finish(0);
    });
}

const HELP = `
Exit status: 0 a run is shown, 1 nothing has run here yet, 2 wrong usage or no such run.

Examples:
  choo status                              the newest run
  watch choo status                        again and again, beside a run
  choo status --run 4k2j9x0q7a             an older one
  choo status --json | jq .totals.complete for scripts`;

function renderStatus(
  state: RunState,
  owner: LockOwner | undefined,
  medium: Pick<Terminal, 'width' | 'paint'> & { readonly called: string },
): string {
  const { run } = state.start;
  const mine = owner?.run === run ? owner : undefined;
  const other =
    owner === undefined || mine !== undefined
      ? ''
      : `Run ${printable(owner.run)} is running since ${timeOf(owner.since)} (process ${owner.pid}).\n\n`;
  if (state.status !== 'running' || mine === undefined) {
    const silent =
      state.status === 'running' ? 'Its process ended without a word; nobody is running it.\n\n' : '';
    return `${other}${silent}${renderSummary(state, medium)}`;
  }
  const title = `Run ${run} for ${printable(state.start.target)} is running since ${timeOf(mine.since)} (process ${mine.pid}).`;
  const now = Math.max(Date.now(), state.lastAt);
  const lines = renderLive(state, new Map(), { ...medium, rows: Number.POSITIVE_INFINITY, now });
  return `${title}\n\n${lines.join('\n')}\n`;
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
