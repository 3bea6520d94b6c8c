import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type Measured, type Measurement, sumSizes } from './sum-sizes.ts';

/** The heap of the thread, which remembers the files with several names. MiB. */
const HEAP_MIB = 64;

let thread: Worker | undefined;
/** Settles when the thread has answered all that it was asked. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Measures in a thread of its own, one after the other, what {@link sumSizes} does: everything else goes on meanwhile, the command
 * under watch included. Rejects only with the reason of the signal, soon after it aborts.
 */
export async function measureDiskUse(
  measured: Omit<Measured, 'stop'>,
  signal?: AbortSignal,
): Promise<Measurement> {
  const turn = last.then(async () => measure(measured, signal));
  last = turn.catch(() => {});
  return turn;
}

async function measure(
  measured: Omit<Measured, 'stop'>,
  signal: AbortSignal | undefined,
): Promise<Measurement> {
  signal?.throwIfAborted();
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const stopNow = (): void => void Atomics.store(stop, 0, 1);
  signal?.addEventListener('abort', stopNow);
  const measurement = await ask({ ...measured, stop }).catch(() => {
    thread = undefined;
    return sumSizes({ ...measured, stop }); // no thread could be had
  });
  signal?.removeEventListener('abort', stopNow);
  signal?.throwIfAborted();
  return measurement;
}

async function ask(measured: Measured): Promise<Measurement> {
  thread ??= new Worker(new URL('sum-sizes-thread.ts', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  thread.ref(); // while it works
  thread.postMessage(measured, []); // transfers nothing
  const [answer] = (await once(thread, 'message')) as [Measurement];
  thread.unref();
  return answer;
}
