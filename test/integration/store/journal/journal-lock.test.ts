import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ChooError } from '../../../../src/errors.ts';
import { acquireLock, readLock } from '../../../../src/store/journal/journal-lock.ts';
import { processStart } from '../../../../src/system/process-identity.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const HOLDER = fileURLToPath(new URL('../../../fixtures/hold-lock.ts', import.meta.url));
const RUN = 'run0000001';

/** Another process that takes the lock. It ends with the test. */
function startHolder(directory: string, run: string, ...more: string[]) {
  const child = execa(process.execPath, [HOLDER, directory, run, ...more], { reject: false });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => String((await lines.next()).value);
  return {
    pid: child.pid ?? 0,
    nextLine,
    go: () => child.stdin.write('go\n'),
    release: async () => {
      child.stdin.end();
      await child;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await child;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await child;
    },
  };
}

describe('the lock of a journal', () => {
  test('is held by one, who is named to others, and free again after', async () => {
    await using place = await temporaryDirectory();
    expect(await readLock(place.path)).toBeUndefined();
    {
      await using lock = await acquireLock(place.path, RUN);
      expect(lock.owner).toMatchObject({ run: RUN, pid: process.pid });
      expect(await readLock(place.path)).toEqual(lock.owner);
      const since = new Date(lock.owner.since).toISOString();
      await expect(acquireLock(place.path, 'run0000002')).rejects.toMatchObject({
        code: 'conflict',
        message: `run \`${RUN}\` has been running since ${since} (process ${process.pid})`,
      });
      expect(await readLock(place.path)).toEqual(lock.owner);
    }
    expect(await readLock(place.path)).toBeUndefined();
    expect(await readdir(join(place.path, 'choo'))).toEqual([]);
    await using again = await acquireLock(place.path, 'run0000002');
    expect(again.owner.run).toBe('run0000002');
  });

  test('is held against other processes, and seen by them', async () => {
    await using place = await temporaryDirectory();
    await using holder = startHolder(place.path, RUN);
    expect(await holder.nextLine()).toBe(`held ${RUN}`);
    await expect(acquireLock(place.path, 'run0000002')).rejects.toThrow(`(process ${holder.pid})`);
    expect(await readLock(place.path)).toMatchObject({ run: RUN, pid: holder.pid });
    await holder.release();
    await using _ = await acquireLock(place.path, 'run0000002');
  });

  test('of a process that was killed is free', async () => {
    await using place = await temporaryDirectory();
    await using holder = startHolder(place.path, RUN);
    await holder.nextLine();
    await holder.kill();
    expect(await readLock(place.path)).toBeUndefined();
    await using lock = await acquireLock(place.path, 'run0000002');
    expect(await readLock(place.path)).toEqual(lock.owner);
  });

  test('of a dead process is free though another process has its number now', async () => {
    await using place = await temporaryDirectory();
    const start = await processStart(process.pid);
    await writeLock(place.path, { pid: process.pid, start: `${start}0` });
    expect(await readLock(place.path)).toBeUndefined();
    await using lock = await acquireLock(place.path, RUN);
    expect(lock.owner.pid).toBe(process.pid);
  });

  test('of a process that ended, and that nobody has buried, is free', async ({ skip }) => {
    skip(process.platform !== 'linux', 'needs /proc');
    await using place = await temporaryDirectory();
    // A shell's child ends once the shell has become a program that never asks how its children ended.
    const child = 'until grep -q sleep /proc/$PPID/comm; do :; done';
    const parent = execa('sh', ['-c', `sh -c '${child}' & echo $!; exec sleep 60`], { reject: false });
    try {
      const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as string[];
      const pid = Number(line);
      await expect
        .poll(async () => readFile(`/proc/${pid}/stat`, 'utf8'), { timeout: 10_000 })
        .toContain(') Z ');
      await writeLock(place.path, { pid, start: (await processStart(pid)) ?? null });
      expect(await readLock(place.path)).toBeUndefined();
    } finally {
      parent.kill('SIGKILL');
      await parent;
    }
  });

  test('of another machine is not taken, and how to be rid of it is said', async () => {
    await using place = await temporaryDirectory();
    await writeLock(place.path, { pid: 2 ** 22 + 1, start: null, host: 'elsewhere' });
    await expect(acquireLock(place.path, RUN)).rejects.toMatchObject({
      message: expect.stringContaining('on `elsewhere`'),
      hint: `if it no longer runs, remove ${join(place.path, 'choo/lock')}`,
    });
  });

  test.each(['', '{"pid":', '\0\0\0'])('that a power cut left as %j is free', async (text) => {
    await using place = await temporaryDirectory();
    await mkdir(join(place.path, 'choo'));
    await writeFile(join(place.path, 'choo/lock'), text);
    expect(await readLock(place.path)).toBeUndefined();
    await using lock = await acquireLock(place.path, RUN);
    expect(await readLock(place.path)).toEqual(lock.owner);
  });

  test('is not released by whoever lost it', async () => {
    await using place = await temporaryDirectory();
    const lost = await acquireLock(place.path, RUN);
    await writeLock(place.path, { pid: process.pid, start: (await processStart(process.pid)) ?? null });
    await lost[Symbol.asyncDispose]();
    expect(await readLock(place.path)).toMatchObject({ run: 'left000000' });
  });

  test('left by a dead process is taken over by exactly one of ten that try at once', async () => {
    await using place = await temporaryDirectory();
    await using stack = new AsyncDisposableStack();
    const holders = Array.from({ length: 10 }, (_, at) =>
      stack.use(startHolder(place.path, `run000000${at}`, 'wait')),
    );
    await Promise.all(holders.map(async (holder) => holder.nextLine()));
    // Dead, and so is one that was about to take over, and one that was about to take over from that.
    const dead = { pid: 2 ** 22 + 1, start: 'long ago' };
    const first = await writeLock(place.path, dead);
    const second = await writeLock(place.path, { ...dead, start: 'later' }, first);
    await writeLock(place.path, { ...dead, start: 'last' }, second);
    for (const holder of holders) holder.go();
    const said = await Promise.all(holders.map(async (holder) => holder.nextLine()));
    const held = said.filter((line) => line.startsWith('held '));
    expect(held).toHaveLength(1);
    const [run = ''] = held[0]?.split(' ').slice(1) ?? [];
    expect(said.filter((line) => line.startsWith(`run \`${run}\` has been running since `))).toHaveLength(9);
    expect(await readLock(place.path)).toMatchObject({ run });
    expect(await readdir(join(place.path, 'choo'))).toEqual(['lock']);
  });

  test('is held by one at a time, however many take and release it in one process', async () => {
    await using place = await temporaryDirectory();
    let [holding, most, taken] = [0, 0, 0];
    const refusals = new Set<unknown>();
    const one = async (name: number): Promise<void> => {
      while (taken < 60) {
        try {
          await using _ = await acquireLock(place.path, `run000000${name}`);
          holding += 1;
          most = Math.max(most, holding);
          await new Promise(setImmediate);
          taken += 1;
          holding -= 1;
          // Leaves it as a crash would.
          await writeLock(place.path, { pid: 2 ** 22 + 1, start: `crash ${taken}` });
        } catch (error) {
          refusals.add(error instanceof ChooError ? error.code : error);
        }
      }
    };
    await Promise.all(Array.from({ length: 6 }, async (_, name) => one(name)));
    expect({ most, enough: taken >= 60, refusals: [...refusals] }).toEqual({
      most: 1,
      enough: true,
      refusals: ['conflict'],
    });
  });
});

/** Puts a lock there, as some other process would have left it. Returns the name of the one to hold while it is replaced. */
async function writeLock(
  directory: string,
  owner: { pid: number; start: string | null; host?: string },
  name = 'lock',
): Promise<string> {
  await mkdir(join(directory, 'choo'), { recursive: true });
  const text = JSON.stringify({ run: 'left000000', host: hostname(), since: 1, token: 'x', ...owner });
  await writeFile(join(directory, 'choo', name), text);
  return `${name}.${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
