import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openBubblewrap } from '../../../../src/sandbox/bubblewrap/bubblewrap.ts';
import { chooseSandbox } from '../../../../src/sandbox/choose.ts';
import { openHostSandbox } from '../../../../src/sandbox/host.ts';
import type { Sandbox } from '../../../../src/sandbox/sandbox.ts';
import { isRoot, startActor } from '../../../fixtures/sandbox/actor.ts';
import { whyNoBubblewrap } from '../../../fixtures/sandbox/missing.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const missing = whyNoBubblewrap();
const nodePath = dirname(process.execPath);
const owner = `self-test-${process.pid}`;
const host = (): Sandbox => openHostSandbox({ searchPath: '/usr/bin:/bin', owner, home: '/tmp' });
const directory = mkdtempSync('/tmp/choo-directory-');
chmodSync(directory, 0o711);
afterAll(() => rmSync(directory, { recursive: true }));
const bubblewrap = (searchPath: string): Sandbox =>
  openBubblewrap({ searchPath, nodePath, owner, directory });

/** A search path with the real tools, but for some that are replaced by a script, or left out. */
async function searchPathWith(
  place: string,
  replaced: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  for (const name of ['git', 'setpriv', 'prlimit', 'chown', 'bwrap']) {
    const path = join(place, name);
    const script = replaced[name];
    if (!(name in replaced)) await symlink(`/usr/bin/${name}`, path);
    else if (script !== undefined) await writeFile(path, `#!/bin/bash\n${script}\n`, { mode: 0o755 });
  }
  await chmod(place, 0o755);
  return place;
}

describe.skipIf(missing !== undefined)(
  `the self-test${missing === undefined ? '' : `: SKIPPED, ${missing}`}`,
  () => {
    test.each(['root', 'ordinary'] as const)('passes as %s, and leaves nothing behind', async (who) => {
      if (who === 'root' && !isRoot()) return;
      await using actor = startActor(who);
      expect(await actor.sandbox('bubblewrap').selfTest()).toEqual({ ok: true, layering: 'overlay' });
    });

    test('leaves nothing behind', async () => {
      await using place = await temporaryDirectory();
      const options = { searchPath: '/usr/bin:/bin', nodePath, owner, directory: place.path };
      expect(await openBubblewrap(options).selfTest()).toEqual({ ok: true, layering: 'overlay' });
      expect(await readdir(place.path)).toEqual(['etc']);
    });

    test('is what auto goes by', async () => {
      const choice = await chooseSandbox('auto', { bubblewrap: () => bubblewrap('/usr/bin:/bin'), host });
      expect(choice).toMatchObject({ ok: true, sandbox: { kind: 'bubblewrap' } });
    });

    test.runIf(isRoot())('says when the Node that runs choo is closed to others', async () => {
      const place = await mkdtemp('/var/tmp/choo-node-');
      try {
        await chmod(place, 0o755);
        const closed = join(place, 'bin');
        await mkdir(closed);
        await cp(process.execPath, join(closed, 'node'));
        await chmod(join(closed, 'node'), 0o700);
        const sandbox = openBubblewrap({ searchPath: '/usr/bin:/bin', nodePath: closed, owner, directory });
        const result = await sandbox.selfTest();
        expect(result).toMatchObject({ ok: false, hint: expect.stringContaining('chmod -R o+rX') });
      } finally {
        await rm(place, { recursive: true, force: true });
      }
    });
  },
);

describe('a sandbox that does not work', () => {
  test.each<readonly [string, Readonly<Record<string, string | undefined>>, RegExp, RegExp]>([
    ['without bubblewrap', { bwrap: undefined }, /bwrap is not installed/, /apt-get install bubblewrap/],
    ['without util-linux', { prlimit: undefined }, /prlimit is not installed/, /util-linux/],
    ['without git', { git: undefined }, /^git init: /, /git/],
    ['with an old one', { bwrap: 'echo "bwrap: Unknown option $2" >&2; exit 1' }, /Unknown option/, /0\.8/],
    [
      'where namespaces are forbidden',
      { bwrap: 'echo "bwrap: No permissions to create new namespace" >&2; exit 1' },
      /^node --version: bwrap: No permissions/,
      /./,
    ],
  ])('is told %s, with the cure', async (_, replaced, reason, hint) => {
    await using place = await temporaryDirectory();
    const searchPath = await searchPathWith(place.path, replaced);
    const choice = await chooseSandbox('auto', { bubblewrap: () => bubblewrap(searchPath), host });
    expect(choice).toMatchObject({
      ok: false,
      reason: expect.stringMatching(reason),
      hint: expect.stringMatching(hint),
    });
  });

  test('is never replaced by none unless that was wished for', async () => {
    await using place = await temporaryDirectory();
    const open = { bubblewrap: () => bubblewrap(place.path), host };
    expect(await chooseSandbox('bubblewrap', open)).toMatchObject({ ok: false });
    expect(await chooseSandbox('host', open)).toMatchObject({ ok: true, sandbox: { kind: 'host' } });
  });
});
