import { readdirSync, readFileSync } from 'node:fs';

/** The processes of git that serve requests in a repository, or in one below a directory: their ids. */
export function gitServing(directory: string): readonly number[] {
  return gitIn(directory).filter((pid) => /cat-file|hash-object/.test(readOf(pid, 'cmdline')));
}

/** The processes of git that stage there. */
export function gitStaging(directory: string): readonly number[] {
  return gitIn(directory).filter((pid) => readOf(pid, 'cmdline').includes('\0add\0'));
}

/** All processes of git that work there: their ids. */
export function gitIn(directory: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => readOf(pid, 'environ').includes(`GIT_DIR=${directory}`));
}

/** Empty: it is gone meanwhile. */
function readOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
