import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isRoot, startActor } from '../../../fixtures/sandbox/actor.ts';
import { whyNoBubblewrap } from '../../../fixtures/sandbox/missing.ts';
import { makeWorld } from '../../../fixtures/sandbox/world.ts';
import { startTlsRegistry } from '../../../helpers/tls-registry.ts';

const LONG = { timeout: 240_000 };
const missing = whyNoBubblewrap();
const users = isRoot() ? (['root', 'ordinary'] as const) : (['ordinary'] as const);
const PACKAGE = JSON.stringify({ name: 'x', private: true, dependencies: { left: '1.0.0' } });

describe.skipIf(missing !== undefined).each(users)(
  'a network that signs with its own certificate, as %s',
  (who) => {
    test(
      'is reached by set-up and agents with what its machine has set, and without credentials',
      LONG,
      async () => {
        await using registry = await startTlsRegistry();
        await using actor = startActor(who);
        await using world = await makeWorld(actor.uid);
        const home = join(world.outside, 'home');
        await mkdir(home);
        await writeFile(join(home, 'corp.pem'), registry.certificate);
        const npmrc = `registry=${registry.address.replace('//', '//user:the-word@')}/\n${registry.address.slice(6)}/:_authToken=the-token\n`;
        await writeFile(join(home, '.npmrc'), npmrc);
        await writeFile(join(world.worktree, 'package.json'), PACKAGE);
        for (const path of [
          home,
          join(home, 'corp.pem'),
          join(home, '.npmrc'),
          join(world.worktree, 'package.json'),
        ])
          await chown(path, actor.uid, actor.uid);
        await chmod(home, 0o700); // as root's is
        const open = (environment: Readonly<Record<string, string>>) =>
          actor.sandbox('bubblewrap', { machine: { environment, home, directory: world.outside } });
        const [blind, sandbox] = [open({}), open({ NODE_EXTRA_CA_CERTS: join(home, 'corp.pem') })];
        await sandbox.chownToSandboxUser(world.worktree);
        const run = async (profile: 'setup' | 'agent' | 'gate', script: string): Promise<string> => {
          const argv = ['bash', '-c', script] as const;
          const { ending, tail } = await sandbox.exec(world.workplace, {
            profile,
            argv,
            cwd: world.worktree,
            totalMs: 120_000,
          });
          return `${tail.trim()} ${ending.kind === 'exited' ? ending.exitCode : ending.kind}`;
        };
        const fetching = { command: 'npm install', cwd: world.worktree };
        expect(await blind.findNoWayOut(world.workplace, fetching)).toBe(
          `npm does not trust the certificate of ${registry.address.slice(8)} (DEPTH_ZERO_SELF_SIGNED_CERT): set NODE_EXTRA_CA_CERTS where choo runs to the file of the certificate that this network signs with`,
        );
        expect(await sandbox.findNoWayOut(world.workplace, fetching)).toBeUndefined();

        const install = await run('setup', 'npm install --no-audit --no-fund');
        expect(install, install).toMatch(/ 0$/);
        const look = `node -p 'require("left")'; ls -a ${home}; cat ${home}/.npmrc; env; cat /choo/settings/*`;
        const [agent, gate] = [await run('agent', look), await run('gate', look)];
        expect(agent).toMatch(/^true\n/);
        expect(agent).toContain(`NODE_EXTRA_CA_CERTS=${home}/corp.pem`);
        expect(agent).toContain(`registry = ${registry.address}/`);
        expect(gate).toMatch(/^true\n/);
        expect(gate).not.toMatch(/NODE_EXTRA_CA_CERTS|registry =|corp\.pem/);
        expect(agent + gate).not.toMatch(/the-word|the-token/);
        expect(registry.credentials).toEqual([]);
        expect(
          await run('setup', `echo x >> ${home}/corp.pem || echo x >> /choo/settings/npmrc || echo refused`),
        ).toMatch(/refused 0$/);
      },
    );
  },
);

describe.skipIf(missing !== undefined)('a set-up without a way out', () => {
  const open = async (
    environment: Readonly<Record<string, string>>,
    command: string,
  ): Promise<string | undefined> => {
    await using actor = startActor(isRoot() ? 'root' : 'ordinary');
    await using world = await makeWorld(actor.uid);
    const sandbox = actor.sandbox('bubblewrap', {
      machine: { environment, home: world.outside, directory: world.outside },
    });
    await sandbox.chownToSandboxUser(world.worktree);
    return await sandbox.findNoWayOut(world.workplace, { command, cwd: world.worktree });
  };
  const nobody = 'https://127.0.0.1:47';

  test('is told which variable is missing, or wrong', LONG, async () => {
    expect(await open({ npm_config_registry: nobody }, 'npm ci')).toBe(
      'npm cannot reach 127.0.0.1:47 (ECONNREFUSED), and HTTPS_PROXY is not set where choo runs: set it if this network has a proxy',
    );
    expect(
      await open(
        { PIP_INDEX_URL: nobody, HTTPS_PROXY: 'http://user:word@127.0.0.1:47', NO_PROXY: 'x' },
        'pip install x',
      ),
    ).toBe(
      'pip cannot reach 127.0.0.1:47 by the proxy http://127.0.0.1:47 (ECONNREFUSED): is HTTPS_PROXY right where choo runs?',
    );
  });

  test('is left alone where it names nothing that fetches', LONG, async () => {
    expect(await open({ npm_config_registry: nobody }, 'make')).toBeUndefined();
    expect(await open({ GOPROXY: 'off' }, 'go mod download')).toBeUndefined();
  });
});
