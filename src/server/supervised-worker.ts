// The worker process of a `choo serve` with all roles: node supervised-worker.ts PARENT
// It exchanges messages with its supervisor, the process with the id PARENT, and ends with it.
import { setPriority } from 'node:os';
import process from 'node:process';
import { readSettings } from '../config/settings.ts';
import { coerceError } from '../errors.ts';
import { openLog } from './log.ts';
import { exitWithParent } from './exit-with-parent.ts';
import type { WorkerMessage, WorkerRequest } from './supervisor.ts';
import { HEARTBEAT_MS } from './work.ts';

/** Under load, the web process gets processor time before work, agents and gates do. */
const NICENESS = 5;

const post = (message: WorkerMessage): void => void process.send?.(message);

exitWithParent(Number(process.argv[2]));
setPriority(NICENESS);
process.once('disconnect', () => process.exit(1));
// A terminal sends Ctrl-C to this process too, but only the supervisor's messages count.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
const stopRequested = Promise.withResolvers<void>();
const hurry = new AbortController();
process.on('message', ({ kind }: WorkerRequest) => {
  stopRequested.resolve();
  if (kind === 'hurry') hurry.abort();
});
let silentMs = (): number | null => null;
const heartbeats = setInterval(() => post({ kind: 'beat', silentMs: silentMs() }), HEARTBEAT_MS);

try {
  const { openWork } = await import('./open-work.ts');
  await using work = await openWork(readSettings(), openLog());
  silentMs = work.silentMs;
  post({ kind: 'beat', silentMs: silentMs() });
  post({ kind: 'ready', sandbox: work.sandbox });
  await stopRequested.promise;
  await work.drain(hurry.signal);
} catch (thrown) {
  const { code, message, hint } = coerceError(thrown);
  post({ kind: 'failed', code, message, ...(hint === undefined ? {} : { hint }) });
  process.exitCode = 1;
}
clearInterval(heartbeats);
process.removeAllListeners('disconnect');
process.disconnect();
