import { Worker } from 'node:worker_threads';

/** Plain JavaScript, because a thread that reads TypeScript takes 11 MiB more. */
const WATCH = `
const { workerData: parent } = require('node:worker_threads');
setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 200);`;

/** Starts a thread that kills this process when its parent process has ended, even while the main thread is blocked. */
export function exitWithParent(parent: number): void {
  const limits = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 };
  new Worker(WATCH, { eval: true, workerData: parent, resourceLimits: limits }).unref();
}
