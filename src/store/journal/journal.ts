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

/** The directory of choo's own files in a user's repository. */
export function journalDirectory(commonDirectory: string): string {
  return join(commonDirectory, 'choo');
}

/**
 * The store of local runs: files under the directory that all worktrees of a repository share.
 *
 *     runs/<id>/events.jsonl     one event per line, append-only
 *     runs/<id>/logs/<unit>.log  what agents, gates and commands printed
 *     runs/<id>/requests/        requests to the process that executes the run (run-requests.ts)
 *     units/<hash>.json          the record of a unit; projected from the events
 *
 * A process that appends or reads a record must hold the lock (journal-lock.ts); every process may read and subscribe.
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
    this.#records = new RecordFiles(join(this.directory, 'units'), () => this.#readRuns());
  }

  /** The directory of one run. Throws a ChooError (`usage`) for an invalid run id. */
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

  /** The output of a unit. The file may not exist. */
  unitLog(run: string, unit: string): string {
    if (!isUnitId(unit)) throw new ChooError('usage', `\`${unit}\` is not the id of a unit`);
    return join(this.logDirectory(run), `${unit}.log`);
  }

  logDirectory(run: string): string {
    return join(this.runDirectory(run), 'logs');
  }

  /** Where other processes leave requests to the one that executes the run. */
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

  async runs(most?: number): Promise<readonly string[]> {
    const names = await readdir(this.#runs).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    const found: { readonly run: string; readonly at: number }[] = [];
    for (const run of names.filter((name) => /^[0-9a-z]{10}$/.test(name))) {
      const at = startTime(await headOf(this.eventFile(run)));
      if (at !== undefined) found.push({ run, at });
    }
    found.sort((a, b) => b.at - a.at || compareText(b.run, a.run));
    return found.slice(0, most).map(({ run }) => run);
  }

  async record(target: string, unit: string, directory = ''): Promise<UnitRecord | undefined> {
    await this.#settle();
    return this.#records.read({ target, directory, unit });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settled?.catch(() => {}); // `append` or `record` rejected with it
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

  /** Before records are used: applies events that a crash kept from the records. */
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

  /** Saves the length of the event file, of which every event has been applied to the records. */
  async #markProjected(run: string): Promise<void> {
    const { size } = await stat(this.eventFile(run));
    await writeFile(this.#mark(run), String(size), { mode: 0o600 });
  }

  #mark(run: string): string {
    return join(this.runDirectory(run), 'projected');
  }

  async *#readRuns(): AsyncGenerator<readonly RunEvent[]> {
    for (const run of (await this.runs()).toReversed()) yield this.read(run);
  }
}

/** The first bytes of a file; empty when it does not exist. */
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
