import { execa } from 'execa';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gateWords, type Service } from '../../../../src/worker/gate/services.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const LONG = { timeout: 240_000 };

async function run(cwd: string, gate: string, services: readonly Service[], readySeconds = 60) {
  const [file, ...words] = gateWords(gate, services, { readySeconds });
  // As a sandbox does, ends what is left.
  const { exitCode, all } = await execa('timeout', ['--kill-after=1', '100', file, ...words], {
    cwd,
    env: { TMPDIR: cwd },
    all: true,
    reject: false,
  });
  return { exitCode, all };
}

test('a gate starts once each service is ready, in order, and its exit status counts', LONG, async () => {
  await using place = await temporaryDirectory();
  const services = [
    { command: 'sleep 0.5; touch one; sleep 3', ready: 'test -e one' },
    { command: 'test -e one && touch two', ready: 'test -e two' }, // leaves what it starts in the background
  ];
  const outcome = await run(place.path, 'test -e one && test -e two && echo gate && exit 3', services);
  expect(outcome).toEqual({ exitCode: 3, all: 'gate' });
});

test(
  'a service that fails or never is ready is a fault of the environment, with its last words',
  LONG,
  async () => {
    await using place = await temporaryDirectory();
    const failed = await run(place.path, 'touch ran', [{ command: 'echo no port; exit 4', ready: 'false' }]);
    expect(failed.exitCode).toBe(126);
    expect(failed.all).toContain('no port');
    expect(failed.all).toContain('the service `echo no port; exit 4` ended with 4 before it was ready');
    const late = await run(
      place.path,
      'touch ran',
      [{ command: 'echo waiting; sleep 5', ready: 'false' }],
      1,
    );
    expect(late.exitCode).toBe(126);
    expect(late.all).toContain('waiting');
    expect(late.all).toContain('was not ready after 1 s: `false` failed');
    expect((await execa('ls', [join(place.path, 'ran')], { reject: false })).exitCode).not.toBe(0);
  },
);
