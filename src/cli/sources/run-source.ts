import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readSettings } from '../../config/settings.ts';
import { ChooError, coerceError } from '../../errors.ts';
import { foldEvents, type RunState } from '../../events/state.ts';
import type { RunReader } from '../../events/store.ts';
import { readLock } from '../../store/journal/journal-lock.ts';
import { PostgresStore } from '../../store/runs/postgres.ts';
import { readLiveness } from '../../store/runs/run-reader.ts';
import type { CommandContext } from '../context.ts';
import { openLocalJournal } from './local-journal.ts';
import { FileLog, type LogSource, TableLog } from './log-source.ts';
import { openStore } from './server-store.ts';

/** Who works on a run. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** What the events of a run do not tell: whether anybody is at it. */
export interface Liveness {
  /** `stopped`: its process ended without a word. `waiting`: for another run. */
  readonly status: RunState['status'] | 'stopped' | 'waiting';
  readonly owner: Owner | undefined;
}

/** Where runs are looked up: the repository one stands in, or the server. */
export interface RunSource extends AsyncDisposable {
  readonly kind: 'local' | 'server';
  /** The project that is stood in, from its repository's root; empty, or with a slash at its end. */
  readonly directory: string;
  readonly store: RunReader;
  readonly liveness: (state: RunState) => Promise<Liveness>;
  /** Another run that is under way there, and keeps this one from going on. */
  readonly other: (state: RunState) => Promise<(Owner & { readonly run: string }) | undefined>;
  readonly log: (run: string, unit: string) => LogSource;
}

/** What is asked for: a project, a run, or neither. */
export interface RunSelector {
  readonly path?: string | undefined;
  readonly run?: string | undefined;
}

/** Whether a word can be the id of a run. */
export function isRunId(word: string): boolean {
  return /^[0-9a-z]{10}$/.test(word);
}

/** One word on a command line that may be the id of a run, or a directory. */
export function parseRunSelector(word: string | undefined, run: string | undefined): RunSelector {
  if (word !== undefined && run === undefined && isRunId(word) && !existsSync(word)) return { run: word };
  return { path: word, run };
}

/**
 * The source that knows what is asked for: this repository where it has it, else the server of this machine's settings. Throws
 * a ChooError (`usage`) where neither has.
 */
export async function openRunSource(context: CommandContext, { path, run }: RunSelector): Promise<RunSource> {
  const local = await openLocal(context, path).catch((error: unknown) => coerceError(error));
  const runs = local instanceof ChooError ? [] : await local.store.runs();
  if (!(local instanceof ChooError)) {
    if (run === undefined ? runs.length > 0 || path !== undefined : runs.includes(run)) return local;
    await local[Symbol.asyncDispose]();
  }
  if (path === undefined && isServerSet()) return openServer();
  if (!(local instanceof ChooError)) return local;
  throw local;
}

/** A run as its events tell it. Throws a ChooError (`usage`) for one that is not there. */
export async function readRun(
  { store, kind }: Pick<RunSource, 'store' | 'kind'>,
  run: string,
): Promise<RunState> {
  const state = foldEvents(await store.read(run));
  if (state !== undefined) return state;
  const [newest] = await store.runs(1);
  const where = kind === 'local' ? 'in this repository' : 'on this server';
  throw new ChooError('usage', `there is no run \`${run}\` ${where}`, {
    hint: newest === undefined ? 'nothing has run here yet' : `the newest is ${newest}`,
  });
}

/** Whether this machine has a server's database, or its settings name one. To look is not to make one. */
export function isServerSet(): boolean {
  const { DATABASE_URL, CHOO_DATA_DIR } = readSettings();
  return DATABASE_URL !== undefined || existsSync(join(CHOO_DATA_DIR, 'postgres'));
}

async function openLocal(context: CommandContext, path: string | undefined): Promise<RunSource> {
  const { journal, place } = await openLocalJournal(context, path);
  // Asked once, and before any event is read: a run that ends in between is then shown as complete, not as abandoned.
  const owner = await readLock(place.commonDirectory);
  return {
    kind: 'local',
    directory: place.prefix,
    store: journal,
    liveness: async ({ start, status }) => {
      const mine = owner?.run === start.run ? owner : undefined;
      return { status: status === 'running' && mine === undefined ? 'stopped' : status, owner: mine };
    },
    other: async ({ start }) => (owner?.run === start.run ? undefined : owner),
    log: (run, unit) => new FileLog(journal.unitLog(run, unit), journal.directory),
    [Symbol.asyncDispose]: async () => {}, // nothing was written
  };
}

async function openServer(): Promise<RunSource> {
  const server = await openStore();
  const { database, listener } = server;
  return {
    kind: 'server',
    directory: '',
    store: new PostgresStore(database, listener, null),
    liveness: async ({ start, status }) => {
      const { waits, owner } = await readLiveness(database, start.run);
      return { status: waits ? 'waiting' : status, owner };
    },
    other: async () => undefined,
    log: (run, unit) => new TableLog(database, listener, { run, unit }),
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  };
}
