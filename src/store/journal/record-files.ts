import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunEvent } from '../../events/event.ts';
import type { UnitRecord } from '../../events/store.ts';
import { type OrchStarted, projectRecord, affectsRecord } from '../../events/unit-record.ts';
import { isMissing } from '../../system/files.ts';

const fileSchema = z.object({
  version: z.literal(1),
  /** Null: there is no record of the unit. */
  record: z
    .object({
      target: z.string(),
      directory: z.string().exactOptional(),
      unit: z.string(),
      run: z.string(),
      key: z.string(),
      branch: z.string(),
      base: z.string(),
      builtOn: z.record(z.string(), z.string()),
      head: z.string().nullable(),
      committed: z.string(),
      tasks: z.array(z.int()),
      verified: z.boolean(),
    })
    .nullable(),
  /** The last event of each run that was applied, so that an event counts once however often it is applied. */
  applied: z.record(z.string(), z.int()),
});

interface RecordFile {
  readonly record: UnitRecord | null;
  readonly applied: Readonly<Record<string, number>>;
}

/** A unit of a project in a repository. */
interface UnitName {
  readonly target: string;
  readonly directory: string;
  readonly unit: string;
}

/** Reads the events of all runs, oldest run first, to rebuild a lost record. */
export type ReadAllRuns = () => AsyncIterable<readonly RunEvent[]>;

/**
 * Unit records, one file each. They are projected from the events, and stored so that not all runs have to be read. Only the
 * process that appends events may write here.
 */
export class RecordFiles {
  readonly #directory: string;
  readonly #readRuns: ReadAllRuns;
  /** Records by path; and those whose file is not up to date. */
  readonly #cached = new Map<string, RecordFile>();
  readonly #unsaved = new Map<string, RecordFile>();
  #saving: Promise<void> | undefined;

  constructor(directory: string, readRuns: ReadAllRuns) {
    this.#directory = directory;
    this.#readRuns = readRuns;
  }

  async read(unit: UnitName): Promise<UnitRecord | undefined> {
    return (await this.#load(unit)).record ?? undefined;
  }

  /** Applies events of one run, except those already applied. The files are written soon: see {@link flush}. */
  async apply(start: OrchStarted, events: readonly RunEvent[]): Promise<void> {
    const relevant = Map.groupBy(events.filter(affectsRecord), (event) => event.unit);
    for (const [unit, own] of relevant) {
      const name = { target: start.target, directory: start.directory, unit };
      const before = await this.#load(name);
      const after = advance(before, start, own);
      if (after !== before) this.#keep(this.#path(name), after);
    }
  }

  /** Resolves when every file is up to date. */
  async flush(): Promise<void> {
    await this.#saving;
  }

  async #load(name: UnitName): Promise<RecordFile> {
    const path = this.#path(name);
    const known = this.#cached.get(path);
    if (known !== undefined) return known;
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (isMissing(error)) return { record: null, applied: {} };
      throw error;
    }
    const parsed = fileSchema.safeParse(parseJson(text));
    return parsed.success ? parsed.data : this.#remake(name);
  }

  async #remake(name: UnitName): Promise<RecordFile> {
    const { target, directory, unit } = name;
    let file: RecordFile = { record: null, applied: {} };
    for await (const events of this.#readRuns()) {
      const [start] = events;
      if (start?.type !== 'orch.started' || start.target !== target || start.directory !== directory)
        continue;
      const relevant = events.filter(affectsRecord).filter((event) => event.unit === unit);
      file = advance(file, start, relevant);
    }
    this.#keep(this.#path(name), file);
    return file;
  }

  #keep(path: string, file: RecordFile): void {
    this.#cached.set(path, file);
    this.#unsaved.set(path, file);
    this.#saving ??= this.#save();
    this.#saving.catch(() => {}); // `flush` rejects with it
  }

  /** Writes one file after the other; several changes to one file meanwhile are one write. */
  async #save(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const [path, file] of this.#unsaved) {
      this.#unsaved.delete(path);
      const temporary = `${path}.${randomUUID()}`;
      await writeFile(temporary, `${JSON.stringify({ version: 1, ...file })}\n`, { mode: 0o600 });
      await rename(temporary, path);
    }
    this.#saving = undefined;
  }

  #path({ target, directory, unit }: UnitName): string {
    const name = createHash('sha256')
      .update(JSON.stringify(directory === '' ? [target, unit] : [target, unit, directory]))
      .digest('hex')
      .slice(0, 32);
    return join(this.#directory, `${name}.json`);
  }
}

function advance(file: RecordFile, start: OrchStarted, events: readonly RunEvent[]): RecordFile {
  const known = file.applied[start.run] ?? 0;
  let record = file.record ?? undefined;
  let last = known;
  for (const event of events) {
    if (event.seq <= known) continue;
    record = projectRecord(record, start, event);
    last = event.seq;
  }
  return last === known ? file : { record: record ?? null, applied: { ...file.applied, [start.run]: last } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
