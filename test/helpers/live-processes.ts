import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { expect } from 'vitest';
import { listProcesses } from '../../src/system/process-tree.ts';

/** The command lines of this machine's living processes that fit a pattern, their words with spaces between them. */
export async function liveProcesses(pattern: RegExp): Promise<readonly string[]> {
  return (await commandLines()).filter((line) => pattern.test(line));
}

/** Waits until a process is there whose command line fits. */
export async function untilRunning(pattern: RegExp): Promise<void> {
  await expect.poll(() => liveProcesses(pattern), { interval: 25, timeout: 30_000 }).not.toEqual([]);
}

/** Waits up to five seconds until no process is there any more whose command line fits; fails when one is. */
export async function expectNoProcess(pattern: RegExp): Promise<void> {
  for (const end = performance.now() + 5_000; performance.now() < end; await sleep(25))
    if ((await liveProcesses(pattern)).length === 0) return;
  expect(await liveProcesses(pattern)).toEqual([]);
}

/** Where the system shows its processes as files, to read these costs a thirtieth of what `ps` costs. */
async function commandLines(): Promise<readonly string[]> {
  if (process.platform !== 'linux') {
    const { stdout } = await execa('ps', ['-eo', 'args']);
    return stdout.split('\n').filter((line) => !line.startsWith('ps '));
  }
  const files = listProcesses().map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(files)).map((text) => text.replace(/\0+$/, '').replaceAll('\0', ' '));
}
