import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** The unit of `Stats.blocks` on every file system. Bytes. */
const BLOCK_BYTES = 512;

/** Memory in files of this machine that are in no directory and in memory file systems, all together. Bytes. */
export function sharedMemoryOfMachine(): number {
  return 1024 * Number(/^Shmem:\s*(\d+) kB$/m.exec(read('/proc/meminfo'))?.[1] ?? 0);
}

/**
 * Memory in files without a directory (`memfd_create`) that processes hold, beyond what counts as their resident memory. Bytes.
 * Not seen: one that is on its way between two processes.
 */
export function measureFileMemory(pids: readonly number[]): number {
  const files = new Map<string, number>();
  let resident = 0;
  for (const pid of pids) {
    resident += 1024 * Number(/^RssShmem:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
    for (const path of listDescriptors(pid)) {
      try {
        if (!readlinkSync(path).startsWith('/memfd:')) continue;
        const { ino, blocks } = statSync(path);
        files.set(String(ino), blocks * BLOCK_BYTES);
      } catch {} // it was closed
    }
    // One that is mapped and closed: its size is not known, but at most what is mapped, as far as that was written.
    for (const [, from, to, inode] of read(`/proc/${pid}/maps`).matchAll(MAPPED)) {
      const bytes = Number.parseInt(to ?? '', 16) - Number.parseInt(from ?? '', 16);
      if (inode !== undefined && !files.has(inode)) files.set(inode, bytes);
    }
  }
  let bytes = 0;
  for (const each of files.values()) bytes += each;
  return Math.max(0, bytes - resident);
}

/** A line of `/proc/<pid>/maps`: addresses, rights, offset, device, inode, path. */
const MAPPED = /^([\da-f]+)-([\da-f]+) \S+ [\da-f]+ \S+ (\d+) +\/memfd:/gm;

function listDescriptors(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => `/proc/${pid}/fd/${name}`);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
