import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readlinkSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestProject } from 'vitest/node';

/** A file system in memory that Linux machines have. */
const MEMORY = '/dev/shm';
/** What must be free there, and of memory at all. Bytes; a whole run needs a tenth of it. */
const ROOM = 4 * 2 ** 30;
const PREFIX = 'choo-run-';

/**
 * Makes one directory for everything that the tests of a run write, and returns what removes it. It is in memory where that
 * has room: they write very many small files, which cost half as much there, and which have no power cut to survive. What a
 * run that was killed has left, and what still works in it, goes at the start of the next one.
 */
export default function makeRunDirectory({ vitest }: TestProject): () => void {
  // The real codex works on the host only below the usual temporary directory.
  const hasAgents = vitest.projects.some(({ name }) => name === 'agents');
  const parent = !hasAgents && hasRoom(MEMORY) ? MEMORY : tmpdir();
  removeLeft(parent);
  const path = join(parent, `${PREFIX}${process.pid}`);
  mkdirSync(path);
  chmodSync(path, 0o1777); // as `/tmp`: some tests start programs as another user
  process.env['TMPDIR'] = path;
  return () => rmSync(path, { recursive: true, force: true });
}

/** A container often has little room in memory, and lets nothing be executed there. */
function hasRoom(directory: string): boolean {
  const probe = join(directory, `${PREFIX}probe-${process.pid}`);
  try {
    const { bavail, bsize } = statfsSync(directory);
    if (bavail * bsize < ROOM || freemem() < ROOM) return false;
    writeFileSync(probe, '#!/bin/sh\n', { mode: 0o700 });
    execFileSync(probe);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { force: true });
  }
}

function removeLeft(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${PREFIX}([0-9]+)$`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const path = join(parent, name);
    for (const process of processesIn(path)) signal(process, 'SIGQUIT'); // PostgreSQL ends at once, and tidies up
    rmSync(path, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** The processes that work in a directory or below it, as far as this user may know. */
function processesIn(path: string): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${path}/`);
    } catch {
      return false;
    }
  });
}

function isAlive(pid: number): boolean {
  return signal(pid, 0);
}

/** Returns whether the process is there. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
