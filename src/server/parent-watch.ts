import { Worker } from 'node:worker_threads';

/** Text, because a thread that had to read TypeScript would take 11 MiB more. */
const WATCH = `
const { workerData: parent } = require('node:worker_threads');
setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 200);`;

/** Has a thread kill this process when its parent, a process with this number, is gone: it does so when all else is deaf, too. */
export function endWith(parent: number): void {
  const limits = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 };
  new Worker(WATCH, { eval: true, workerData: parent, resourceLimits: limits }).unref();
}
