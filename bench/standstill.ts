import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { openPosixSpawn, type ProgramStart } from '../src/system/posix-spawn.ts';
import { figures, table } from './measure.ts';

const STARTS = 60;
const PROGRAM: ProgramStart = { argv: ['/bin/true'], cwd: '/', env: {}, stdio: ['ignore', 'pipe', 'pipe'] };

/** How long a process of some size stands still when it starts a program, and what that costs it and the program. */
export async function benchStandstill(): Promise<void> {
  const posixSpawn = await openPosixSpawn();
  const held: Buffer[] = [];
  const rows: string[][] = [];
  for (const mebibytes of [0, 100, 500]) {
    while (held.length < mebibytes * 16) held.push(Buffer.alloc(64 * 1024, 1));
    const ways = { 'as Node does': byNode, ...(posixSpawn && { 'as choo does': () => posixSpawn(PROGRAM) }) };
    for (const [name, start] of Object.entries(ways)) rows.push(await row(name, start));
  }
  console.log(`\nStarting \`true\`, medians [least-greatest] of ${STARTS}\n`);
  console.log(table([['started', 'resident MiB', 'stands still ms', 'own CPU ms'], ...rows]));
}

interface Started {
  readonly exited: Promise<unknown>;
}

async function row(name: string, start: () => Started | undefined): Promise<string[]> {
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let count = 0; count < STARTS; count += 1) {
    const at = performance.now();
    const started = start();
    times.push(performance.now() - at);
    await started?.exited;
  }
  const { user, system } = process.cpuUsage(before);
  const { median, min, max } = figures(times);
  return [
    name,
    (process.memoryUsage.rss() / 2 ** 20).toFixed(0),
    `${median.toFixed(1)} [${min.toFixed(1)}-${max.toFixed(1)}]`,
    ((user + system) / 1_000 / STARTS).toFixed(1),
  ];
}

function byNode(): Started {
  const { argv, stdio, ...options } = PROGRAM;
  const child = spawn(argv[0], { ...options, stdio: [...stdio], detached: true });
  return { exited: once(child, 'close') };
}
