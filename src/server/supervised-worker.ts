// The worker of a `choo serve` that does everything, in a process of its own: node supervised-worker.ts PARENT
// It says what it is to the process with that number, obeys it, and ends with it.
import { setPriority } from 'node:os';
import process from 'node:process';
import { readSettings } from '../config/settings.ts';
import { coerceError } from '../errors.ts';
import { openLog } from './log.ts';
import { endWith } from './parent-watch.ts';
import type { WorkerMessage, WorkerRequest } from './supervisor.ts';
import { BEAT_MS } from './work.ts';

/** Where processors are short the door has them before work has, agents and gates with it. */
const NICENESS = 5;

const say = (message: WorkerMessage): void => void process.send?.(message);

endWith(Number(process.argv[2]));
setPriority(NICENESS);
process.once('disconnect', () => process.exit(1));
// A terminal sends Ctrl-C to this process, too. Its parent says what is to be done.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
const asked = Promise.withResolvers<void>();
const hurry = new AbortController();
process.on('message', ({ kind }: WorkerRequest) => {
  asked.resolve();
  if (kind === 'hurry') hurry.abort();
});
let silentMs = (): number | null => null;
const beats = setInterval(() => say({ kind: 'beat', silentMs: silentMs() }), BEAT_MS);

try {
  const { openWork } = await import('./open-work.ts');
  await using work = await openWork(readSettings(), openLog());
  silentMs = work.silentMs;
  say({ kind: 'beat', silentMs: silentMs() });
  say({ kind: 'ready', sandbox: work.sandbox });
  await asked.promise;
  await work.drain(hurry.signal);
} catch (thrown) {
  const { code, message, hint } = coerceError(thrown);
  say({ kind: 'failed', code, message, ...(hint === undefined ? {} : { hint }) });
  process.exitCode = 1;
}
clearInterval(beats);
process.removeAllListeners('disconnect');
process.disconnect();
