import { link, mkdir, open, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { measureDiskUse } from '../../../../src/sandbox/process/disk-use.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const MIB = 1024 * 1024;

test('counts each file once, by whatever name it has, and what is open without one', async () => {
  await using place = await temporaryDirectory();
  const [counted, elsewhere] = [join(place.path, 'counted'), join(place.path, 'elsewhere')];
  await mkdir(join(counted, 'below'), { recursive: true });
  await mkdir(elsewhere);
  const write = async (path: string | Buffer): Promise<void> => writeFile(path, Buffer.alloc(MIB, 1));
  const mebibytes = async (): Promise<number> =>
    Math.round((await measureDiskUse({ directories: [counted], pids: [process.pid] })).bytes / MIB);

  await write(join(counted, 'below', 'plain'));
  expect(await mebibytes()).toBe(1);
  await link(join(counted, 'below', 'plain'), join(counted, 'same'));
  await write(join(elsewhere, 'file'));
  await symlink(elsewhere, join(counted, 'link'));
  expect(await mebibytes()).toBe(1);
  // Names that are no UTF-8 hide nothing.
  const strange = Buffer.concat([Buffer.from(`${counted}/`), Buffer.from([0xff, 0xfe])]);
  await mkdir(strange);
  await write(Buffer.concat([strange, Buffer.from('/\xe9', 'latin1')]));
  expect(await mebibytes()).toBe(2);
  const gone = join(counted, 'gone');
  await write(gone);
  await using _ = await open(gone);
  await rm(gone);
  expect(await mebibytes()).toBe(3);
});

describe('a large tree', () => {
  test('is measured while other work goes on', async () => {
    await using place = await largeTree();
    const turns = monitorEventLoopDelay({ resolution: 1 });
    turns.enable();
    const all = await Promise.all(
      Array.from({ length: 20 }, async () => measureDiskUse({ directories: [place.path], pids: [] })),
    );
    turns.disable();
    const cost = all.reduce((sum, { costMs }) => sum + costMs, 0);
    expect(turns.count).toBeGreaterThan(cost / 10); // it was not kept waiting for longer than that on average
    expect(new Set(all.map(({ bytes }) => bytes)).size).toBe(1);
  });

  test('is measured until that is enough, or until nobody asks any more', async () => {
    await using place = await largeTree();
    const measured = { directories: [place.path], pids: [] };
    const whole = await measureDiskUse(measured);
    const early = await measureDiskUse({ ...measured, enough: whole.bytes / 4 });
    expect(early.bytes).toBeGreaterThan(whole.bytes / 4);
    expect(early.bytes).toBeLessThan(whole.bytes / 3);
    const [running, waiting] = [new AbortController(), new AbortController()];
    const both = [running, waiting].map(async ({ signal }) => measureDiskUse(measured, signal));
    running.abort(new Error('the first command ended'));
    waiting.abort(new Error('the second command ended'));
    expect(await Promise.allSettled(both)).toMatchObject([
      { reason: { message: 'the first command ended' } },
      { reason: { message: 'the second command ended' } },
    ]);
    expect((await measureDiskUse(measured)).bytes).toBe(whole.bytes);
  });
});

async function largeTree(): Promise<Awaited<ReturnType<typeof temporaryDirectory>>> {
  const place = await temporaryDirectory();
  for (let index = 0; index < 3_000; index += 1)
    await mkdir(join(place.path, String(index % 50), String(index)), { recursive: true });
  return place;
}
