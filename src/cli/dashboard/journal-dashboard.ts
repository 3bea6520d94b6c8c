import { open } from 'node:fs/promises';
import { ChooError } from '../../errors.ts';
import { openGit } from '../../git/git.ts';
import { readPatch } from '../../git/patch.ts';
import type { RepositoryPaths } from '../../git/repository.ts';
import { readLock } from '../../store/journal/journal-lock.ts';
import { Journal } from '../../store/journal/journal.ts';
import { followFile } from '../../system/follow-file.ts';
import { isMissing } from '../../system/files.ts';
import type { ChangeRequest, DashboardSource, OutputPart } from '../../web/dashboard/source.ts';

/** What the dashboard of a local run needs of the process that executes it. */
export interface LocalDashboard {
  /** The name of the project's directory. */
  readonly name: string;
  readonly place: RepositoryPaths;
  readonly searchPath: string;
  /** Changes units of the run that this process executes. Throws a ChooError for a refusal. */
  readonly change: (request: ChangeRequest) => Promise<void>;
}

/** The runs of a repository, for the dashboard. */
export function openJournalDashboard({ name, place, searchPath, change }: LocalDashboard): DashboardSource {
  const { commonDirectory } = place;
  const journal = new Journal(commonDirectory);
  const pathOf = ({ run, unit }: { run: string; unit: string }): string => journal.unitLog(run, unit);
  const isAlive: DashboardSource['isAlive'] = async (run) => (await readLock(commonDirectory))?.run === run;
  return {
    name,
    store: journal,
    isAlive,
    readOutput: async (of, after, length) => readPart(pathOf(of), after, length),
    tailOutput: async (of, length) => readTail(pathOf(of), length),
    followOutput: async (of, onGrowth, signal) =>
      followFile({ path: pathOf(of), below: journal.directory, signal }, async () => onGrowth()),
    readPatch: async ({ from, to }, length) =>
      readPatch({ git: openGit(commonDirectory, searchPath) }, { from, to }, { length }),
    change: async (request) => {
      if (await isAlive(request.run)) return change(request);
      const { kind, run, units } = request;
      throw new ChooError('conflict', `no process works on run ${run} any more`, {
        hint: `\`choo ${kind} ${[...units].join(' ')} --run ${run}\` in its repository does it`,
      });
    },
    changesRuns: false,
  };
}

const LINE_FEED = 0x0a;

/** A part of a file in whole lines, but for a line that is longer. Cursors are bytes. */
async function readPart(path: string, after: number, length: number): Promise<OutputPart | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), { position: after });
    const end =
      buffer.subarray(0, bytesRead).lastIndexOf(LINE_FEED) + 1 || (bytesRead === length ? length : 0);
    return { text: buffer.toString('utf8', 0, end), cursor: after + end, isCut: false };
  } finally {
    await file.close();
  }
}

async function readTail(path: string, length: number): Promise<OutputPart | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  const { size } = await file.stat();
  await file.close();
  const start = Math.max(0, size - length);
  const part = await readPart(path, start, length);
  if (part === undefined || start === 0) return part;
  return { ...part, text: part.text.slice(part.text.indexOf('\n') + 1), isCut: true };
}
