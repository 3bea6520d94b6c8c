import { link, mkdir, open, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { measureDiskUse } from '../../../../src/sandbox/process/disk-use.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const MIB = 1024 * 1024;
const never = (): boolean => false;

test('counts each file once, by whatever name it has, and what is open without one', async () => {
  await using place = await temporaryDirectory();
  const [counted, elsewhere] = [join(place.path, 'counted'), join(place.path, 'elsewhere')];
  await mkdir(join(counted, 'below'), { recursive: true });
  await mkdir(elsewhere);
  const write = async (path: string | Buffer): Promise<void> => writeFile(path, Buffer.alloc(MIB, 1));
  const mebibytes = async (): Promise<number> =>
    Math.round((await measureDiskUse({ directories: [counted], pids: [process.pid] }, never)) / MIB);

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

test('ends early, and lets other work go on', async () => {
  await using place = await temporaryDirectory();
  for (let index = 0; index < 3_000; index += 1)
    await mkdir(join(place.path, String(index % 50), String(index)), { recursive: true });
  const whole = await measureDiskUse({ directories: [place.path], pids: [] }, never);
  const early = await measureDiskUse({ directories: [place.path], pids: [] }, (bytes) => bytes > whole / 4);
  expect(early).toBeGreaterThan(whole / 4);
  expect(early).toBeLessThan(whole);
});
