import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { expect } from 'vitest';
import { openJournalDashboard } from '../../src/cli/dashboard/journal-dashboard.ts';
import type { EventBody } from '../../src/events/event.ts';
import { acquireLock } from '../../src/store/journal/journal-lock.ts';
import { Journal } from '../../src/store/journal/journal.ts';
import { openDashboard } from '../../src/web/dashboard/dashboard.ts';
import { loopbackHosts } from '../../src/web/dashboard/defence.ts';
import type { ChangeRequest } from '../../src/web/dashboard/source.ts';
import { serveWeb } from '../../src/web/server.ts';
import { commitFiles } from './git-repository.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A repository with a journal, and a dashboard that serves it. */
export interface DashboardWorld extends AsyncDisposable {
  readonly path: string;
  readonly port: number;
  /** The address of the first page. */
  readonly url: string;
  readonly base: string;
  /** What it was asked to change. */
  readonly changes: readonly ChangeRequest[];
  readonly errors: readonly unknown[];
  /** Appends events to a run, as the process that executes it. */
  readonly append: (run: string, events: readonly EventBody[]) => Promise<void>;
  /** Appends to the output of a unit. */
  readonly print: (run: string, unit: string, text: string) => Promise<void>;
  readonly page: (path: string) => Promise<string>;
  /** Waits until so many streams are open. */
  readonly streamsOpen: (count: number) => Promise<void>;
  /** Ends the dashboard, as the process does at the end of a run. */
  readonly close: () => Promise<void>;
}

/** Makes it. `alive`: a process works on that run. */
export async function makeDashboardWorld({
  alive,
}: { readonly alive?: string } = {}): Promise<DashboardWorld> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await temporaryDirectory());
  await commitFiles(place.path, { 'README.md': 'hello\n' });
  const commonDirectory = join(place.path, '.git');
  if (alive !== undefined) stack.use(await acquireLock(commonDirectory, alive));
  const journal = stack.use(new Journal(commonDirectory));
  const lasts = new Map<string, number>();
  const changes: ChangeRequest[] = [];
  const errors: unknown[] = [];
  let hosts: ReadonlySet<string> = new Set();
  const base = '/t/a-secret-of-the-test';
  const dashboard = openDashboard({
    base,
    hosts: () => hosts,
    source: openJournalDashboard({
      name: 'project',
      place: { commonDirectory, objects: join(commonDirectory, 'objects'), objectFormat: 'sha1', prefix: '' },
      searchPath: process.env['PATH'] ?? '',
      change: async (request) => void changes.push(request),
    }),
    onError: (error) => errors.push(error),
  });
  const server = await serveWeb(
    { host: '127.0.0.1', port: 0 },
    { readiness: async () => ({ ready: true }), receiver: undefined, pages: [dashboard] },
  );
  hosts = loopbackHosts(server.port);
  const close = async (): Promise<void> => {
    dashboard[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  };
  stack.defer(close);
  const kept = stack.move();
  const url = `http://127.0.0.1:${server.port}${base}/`;
  return {
    path: place.path,
    port: server.port,
    url,
    base,
    changes,
    errors,
    append: async (run, events) => {
      const added = await journal.append(run, lasts.get(run) ?? 0, events);
      lasts.set(run, added.at(-1)?.seq ?? 0);
    },
    print: async (run, unit, text) => {
      const path = journal.unitLog(run, unit);
      await mkdir(dirname(path), { recursive: true });
      await appendFile(path, text);
    },
    page: async (path) => (await fetch(`${url}${path}`)).text(),
    streamsOpen: async (count) => {
      await expect.poll(dashboard.streams, { timeout: 60_000 }).toBe(count);
    },
    close,
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}
