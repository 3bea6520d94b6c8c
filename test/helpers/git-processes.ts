import { readdirSync, readFileSync } from 'node:fs';

/** The processes of git that serve requests in a repository, or in one below a directory: their ids. */
export function gitServing(directory: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const serves = /cat-file|hash-object/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
        return serves && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`GIT_DIR=${directory}`);
      } catch {
        return false; // gone meanwhile
      }
    });
}
