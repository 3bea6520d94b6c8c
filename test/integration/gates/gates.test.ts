import { execa } from 'execa';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findGateFaults } from '../../../src/gates/read-gate.ts';
import { POWERLESS_GATES } from '../../helpers/gates.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const PROGRAMS = ['npm', 'pytest', 'eslint'];

/** Runs a gate as choo does, where every test runner is red. */
async function statusOf(gate: string, path: string): Promise<number | undefined> {
  const { exitCode } = await execa('bash', ['--norc', '-c', gate], {
    cwd: path,
    env: { PATH: `${path}:/usr/bin:/bin` },
    extendEnv: false,
    reject: false,
    timeout: 10_000,
  });
  return exitCode;
}

test('bash agrees: with every test red, what cannot fail passes, and without the fault it does not', async () => {
  await using place = await temporaryDirectory();
  for (const name of PROGRAMS) {
    await writeFile(join(place.path, name), '#!/bin/sh\nexit 1\n');
    await chmod(join(place.path, name), 0o755);
  }
  const passed: string[] = [];
  for (const gate of POWERLESS_GATES) if ((await statusOf(gate, place.path)) === 0) passed.push(gate);
  expect(passed).toEqual(POWERLESS_GATES);
  const mended = POWERLESS_GATES.filter((gate) => /^(?:npm|pytest)/.test(gate)).map((gate) =>
    gate.replaceAll(/ *(?:2>&1|[|;&\n]).*/gs, ''),
  );
  for (const gate of mended) {
    expect(findGateFaults(gate), gate).toEqual([]);
    expect(await statusOf(gate, place.path), gate).toBe(1);
  }
});
