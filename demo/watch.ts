import { RunStates } from '../src/app/outbound/run-states.ts';
import type { Terminal } from '../src/cli/terminal.ts';
import { renderLive } from '../src/cli/views/live-lines.ts';
import { createLiveView } from '../src/cli/views/live-view.ts';
import type { RunState } from '../src/events/state.ts';
import { openServerDatabase } from '../src/store/server-database.ts';

/**
 * Shows the run of a server until it ends, from the server's own database. Returns its last state. Throws after ten
 * minutes.
 */
export async function watchRun(dataDirectory: string, terminal: Terminal): Promise<RunState> {
  await using opened = await openServerDatabase({
    url: undefined,
    dataDirectory,
    name: 'choo demo',
    size: 2,
    onError: () => {},
  });
  const { database } = opened;
  const states = new RunStates(database);
  const view = terminal.interactive
    ? createLiveView({ stream: process.stdout, paint: terminal.paint, now: Date.now })
    : undefined;
  const end = Date.now() + 10 * 60_000;
  try {
    for (;;) {
      const row = await database.selectFrom('runs').select('id').executeTakeFirst();
      const state = row && (await states.read(row.id));
      if (state !== undefined) view?.update(state);
      if (state !== undefined && !['running', 'interrupted'].includes(state.status)) {
        if (view === undefined)
          for (const line of renderLive(state, new Map(), {
            ...terminal,
            width: 79,
            rows: 50,
            now: state.lastAt,
          }))
            terminal.out(`${line}\n`);
        return state;
      }
      if (Date.now() > end) throw new Error('the run did not end within ten minutes');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    view?.stop();
  }
}
