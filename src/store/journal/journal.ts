import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isUnitId } from '../../discovery/unit.ts';
import { ChooError } from '../../errors.ts';
import type { EventBody, RunEvent } from '../../events/event.ts';
import type { EventLog, RunReader, UnitRecord, UnitRecords } from '../../events/store.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import { compareText } from '../../problems/problem.ts';
import { isMissing } from '../../system/files.ts';
import { followFile } from '../../system/follow-file.ts';
import { EventReader, startTime } from './event-reader.ts';
import { RecordFiles } from './record-files.ts';
import { RunWriter } from './run-writer.ts';

/** Where choo keeps what it knows of a user's repository. */
export function journalDirectory(commonDirectory: string): string {
  return join(commonDirectory, 'choo');
}

/**
 * The store of local runs: files under the directory that all worktrees of a repository share.
 *
 *     runs/<id>/events.jsonl     one event a line, only ever added to
 *     runs/<id>/logs/<unit>.log  what agents, gates and commands printed
 *     runs/<id>/requests/        what is asked of the process that carries the run out (run-requests.ts)
 *     units/<hash>.json          what is known of a unit; follows from the events
 *
 * Whoever appends, or asks for a record, must hold the lock (journal-lock.ts); anybody may read and subscribe.
 */
export class Journal implements EventLog, RunReader, UnitRecords, AsyncDisposable {
  readonly directory: string;
  readonly #runs: string;
  readonly #now: () => number;
  readonly #records: RecordFiles;
  readonly #writers = new Map<string, Promise<RunWriter>>();
  #settled: Promise<void> | undefined;

  constructor(commonDirectory: string, now: () => number = Date.now) {
    this.directory = journalDirectory(commonDirectory);
    this.#runs = join(this.directory, 'runs');
    this.#now = now;
    this.#records = new RecordFiles(join(this.directory, 'units'), () => this.#retell());
  }

  /** Where everything of one run is. Throws a ChooError (`usage`) for what is no id of a run. */
  runDirectory(run: string): string {
    if (!/^[0-9a-z]{10}$/.test(run)) {
      throw new ChooError('usage', `\`${run}\` is not the id of a run`, {
        hint: 'ids have ten digits and small letters; `choo status` shows the newest',
      });
    }
    return join(this.#runs, run);
  }

  eventFile(run: string): string {
    return join(this.runDirectory(run), 'events.jsonl');
  }

  /** What a unit's worker writes while it works. It may not be there. */
  unitLog(run: string, unit: string): string {
    if (!isUnitId(unit)) throw new ChooError('usage', `\`${unit}\` is not the id of a unit`);
    return join(this.logDirectory(run), `${unit}.log`);
  }

  logDirectory(run: string): string {
    return join(this.runDirectory(run), 'logs');
  }

  /** Where other processes leave what they ask of the one that carries the run out. */
  requestDirectory(run: string): string {
    return join(this.runDirectory(run), 'requests');
  }

  async append(run: string, expected: number, events: readonly EventBody[]): Promise<readonly RunEvent[]> {
    await this.#settle();
    const path = this.eventFile(run);
    let writer = this.#writers.get(run);
    if (writer === undefined) {
      writer = RunWriter.open(path, this.#now, async (start, added) => this.#project(start, added));
      this.#writers.set(run, writer);
      writer.catch(() => this.#writers.delete(run));
    }
    return (await writer).append(expected, events);
  }

  async read(run: string, after = 0): Promise<readonly RunEvent[]> {
    return new EventReader(this.eventFile(run), after).next();
  }

  async subscribe(
    run: string,
    after: number,
    onEvents: (events: readonly RunEvent[]) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const path = this.eventFile(run);
    const reader = new EventReader(path, after);
    await followFile({ path, below: this.directory, signal }, async () => {
      const events = await reader.next();
      if (events.length > 0 && !signal.aborted) onEvents(events);
    });
  }

  async runs(): Promise<readonly string[]> {
    const names = await readdir(this.#runs).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    const found: { readonly run: string; readonly at: number }[] = [];
    for (const run of names.filter((name) => /^[0-9a-z]{10}$/.test(name))) {
      const at = startTime(await headOf(this.eventFile(run)));
      if (at !== undefined) found.push({ run, at });
    }
    return found.sort((a, b) => b.at - a.at || compareText(b.run, a.run)).map(({ run }) => run);
  }

  async record(target: string, unit: string, directory = ''): Promise<UnitRecord | undefined> {
    await this.#settle();
    return this.#records.read({ target, directory, unit });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settled?.catch(() => {}); // whoever asked was told
    for (const [run, opening] of this.#writers) {
      const writer = await opening.catch(() => undefined);
      await writer?.[Symbol.asyncDispose]();
      await this.#records.flush();
      if (writer !== undefined) await this.#markProjected(run);
    }
    this.#writers.clear();
  }

  async #project(start: OrchStarted | undefined, events: readonly RunEvent[]): Promise<void> {
    if (start !== undefined) await this.#records.apply(start, events);
  }

  /** Before records are used: takes in what runs that a crash ended had told, and no record knows yet. */
  async #settle(): Promise<void> {
    this.#settled ??= this.#catchUp();
    return this.#settled;
  }

  async #catchUp(): Promise<void> {
    for (const run of (await this.runs()).toReversed()) {
      const { size } = await stat(this.eventFile(run));
      const mark = await readFile(this.#mark(run), 'utf8').catch(() => '');
      if (mark === String(size)) continue;
      const events = await this.read(run);
      const [start] = events;
      if (start?.type === 'orch.started') await this.#records.apply(start, events);
      await this.#records.flush();
      await this.#markProjected(run);
    }
  }

  /** Says how long the events were when all of them had reached the records. */
  async #markProjected(run: string): Promise<void> {
    const { size } = await stat(this.eventFile(run));
    await writeFile(this.#mark(run), String(size), { mode: 0o600 });
  }

  #mark(run: string): string {
    return join(this.runDirectory(run), 'projected');
  }

  async *#retell(): AsyncGenerator<readonly RunEvent[]> {
    for (const run of (await this.runs()).toReversed()) yield this.read(run);
  }
}

/** The first bytes of a file; empty where there is none. */
async function headOf(path: string): Promise<string> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (handle === undefined) return '';
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), { position: 0 });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
