import { readFile } from 'node:fs/promises';
import process from 'node:process';

/** Without `/proc`, a signal can test only whether a process id is in use. */
const HAS_PROC = process.platform === 'linux';

/** Distinguishes a process from a later one with the same id: the machine's boot id and the start time since boot. */
export async function processStart(pid: number): Promise<string | undefined> {
  return (await readProcess(pid))?.start;
}

/** Whether a process is alive, and the same one whose {@link processStart} was `start`. */
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
    // Field 2 is the program's name in brackets, with any characters; field 3 is the state, field 22 the start time.
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
