import { readFile } from 'node:fs/promises';
import process from 'node:process';

/** Where the system says nothing of the other processes, they can only be asked whether they are there. */
const HAS_PROC = process.platform === 'linux';

/** What tells a process from a later one that gets its number: this start of the machine, and its age in it. */
export async function processStart(pid: number): Promise<string | undefined> {
  return (await readProcess(pid))?.start;
}

/** Whether a process is there, and the one that `start` was asked of. */
export async function isProcessAlive(pid: number, start: string | undefined): Promise<boolean> {
  if (!HAS_PROC || start === undefined) return answers(pid);
  const found = await readProcess(pid);
  return found !== undefined && found.start === start && !found.ended;
}

async function readProcess(pid: number): Promise<{ start: string; ended: boolean } | undefined> {
  if (!HAS_PROC) return undefined;
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, with anything in it; the state is the third, the start the 22nd.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { start: `${boot.trim()}/${fields[19] ?? ''}`, ended: fields[0] === 'Z' || fields[0] === 'X' };
  } catch {
    return undefined;
  }
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
