/** Whether git treats a file of this name as `.git`, on this or another system. Pure. */
export function isGitName(name: string): boolean {
  if (!/git|[^\0-\x7f]/i.test(name)) return false;
  return name.split('\\').some((part) => /^(?:\.git|git~1)$/.test(foldName(part)));
}

/** A name as file systems of Windows and macOS compare it: without case, dropped characters and named streams. */
export function foldName(name: string): string {
  return name
    .replaceAll(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
    .replace(/:.*$/s, '')
    .replace(/(?<![ .])[ .]+$/, '')
    .toLowerCase();
}
