import { parentPort, workerData } from 'node:worker_threads';
import { coerceError } from '../errors.ts';
import type { Job, ThreadMessage } from './thread.ts';

type Jobs = Readonly<Record<string, (input: unknown) => Promise<unknown>>>;

const { createJobs } = (await import(String(workerData))) as { readonly createJobs: () => Jobs };
const jobs = createJobs();

async function perform({ name, input }: Job): Promise<ThreadMessage> {
  try {
    return { kind: 'done', value: await jobs[name]?.(input) };
  } catch (error) {
    const { code, message, hint } = coerceError(error);
    return { kind: 'threw', code, message, ...(hint === undefined ? {} : { hint }) };
  }
}

function post(message: ThreadMessage): void {
  parentPort?.postMessage(message, []); // transfers nothing
}

parentPort?.on('message', (job: Job) => void perform(job).then(post));
post({ kind: 'ready' });
