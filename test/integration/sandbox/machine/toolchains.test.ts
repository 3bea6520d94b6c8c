import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import {
  explainMissing,
  findChosen,
  findToolchains,
  NO_TOOLS,
} from '../../../../src/sandbox/machine/toolchains.ts';
import { isRoot, startActor } from '../../../fixtures/sandbox/actor.ts';
import { whyNoBubblewrap } from '../../../fixtures/sandbox/missing.ts';
import { makeWorld } from '../../../fixtures/sandbox/world.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const LONG = { timeout: 240_000 };
const missing = whyNoBubblewrap();
const users = isRoot() ? (['root', 'ordinary'] as const) : (['ordinary'] as const);

/** A toolchain in a made-up home: the directory on its PATH, a program there, what that needs, and what must stay hidden. */
const HOMES: readonly (readonly [
  name: string,
  toolchain: {
    readonly on: string;
    readonly needs?: string;
    readonly hidden?: string;
    readonly says?: string;
  },
])[] = [
  [
    'nvm',
    {
      on: '.nvm/versions/node/v20.1.0/bin',
      needs: '.nvm/versions/node/v20.1.0/lib/x',
      hidden: '.nvm/.cache/x',
      says: 'NVM_DIR',
    },
  ],
  [
    'fnm',
    {
      on: '.local/share/fnm/node-versions/v22/installation/bin',
      hidden: '.local/share/fnm/.env',
      says: 'FNM_DIR',
    },
  ],
  ['volta', { on: '.volta/bin', needs: '.volta/tools/x', hidden: '.volta/hooks.json', says: 'VOLTA_HOME' }],
  [
    'pyenv',
    {
      on: '.pyenv/shims',
      needs: '.pyenv/versions/3.12.1/lib/x',
      hidden: '.pyenv/.git/config',
      says: 'PYENV_ROOT',
    },
  ],
  [
    'rbenv',
    {
      on: '.rbenv/shims',
      needs: '.rbenv/versions/3.3.0/lib/x',
      hidden: '.rbenv/.git/config',
      says: 'RBENV_ROOT',
    },
  ],
  [
    'cargo',
    {
      on: '.cargo/bin',
      needs: '.rustup/toolchains/stable/lib/x',
      hidden: '.cargo/credentials.toml',
      says: 'RUSTUP_HOME',
    },
  ],
  ['go', { on: 'sdk/go1.23.1/bin', needs: 'sdk/go1.23.1/src/x', hidden: 'sdk/go1.23.1/.netrc' }],
  ['gopls', { on: 'go/bin', hidden: 'go/pkg/mod/x' }],
  [
    'sdkman',
    {
      on: '.sdkman/candidates/java/current/bin',
      needs: '.sdkman/candidates/java/current/lib/x',
      hidden: '.sdkman/etc/config',
      says: 'SDKMAN_DIR',
    },
  ],
  [
    'asdf',
    { on: '.asdf/shims', needs: '.asdf/installs/x', hidden: '.asdf/.git/config', says: 'ASDF_DATA_DIR' },
  ],
  [
    'mise',
    {
      on: '.local/share/mise/shims',
      needs: '.local/share/mise/installs/x',
      hidden: '.config/mise/config.toml',
      says: 'MISE_DATA_DIR',
    },
  ],
  ['bun', { on: '.bun/bin', hidden: '.bun/install/cache/x' }],
  ['deno', { on: '.deno/bin', hidden: '.deno/x' }],
  ['pnpm', { on: '.local/share/pnpm/bin', hidden: '.local/share/pnpm/store/x' }],
  ['dotnet', { on: '.dotnet', needs: '.dotnet/sdk/x', hidden: '.dotnet/tools/x', says: 'DOTNET_ROOT' }],
  ['conda', { on: 'miniforge3/bin', needs: 'miniforge3/lib/x', hidden: 'miniforge3/.condarc' }],
  [
    'brew',
    {
      on: '.linuxbrew/bin',
      needs: '.linuxbrew/Cellar/x',
      hidden: '.linuxbrew/etc/x',
      says: 'HOMEBREW_PREFIX',
    },
  ],
];
/** Beside them, in the home. */
const HIDDEN = [
  '.npmrc',
  '.netrc',
  '.ssh/id_ed25519',
  '.cargo/config.toml',
  'bin/own-script',
  '.local/bin/own-script',
];
const SECRET = 'the-secret-of-a-person';

async function write(path: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode });
}

/** Makes a home with all of them. Returns its PATH. */
async function makeHome(home: string): Promise<string> {
  for (const [name, { on, needs, hidden }] of HOMES) {
    const need = needs === undefined ? '' : `; cat ${join(home, needs)}`;
    await write(join(home, on, name), `#!/bin/sh\necho ${name} runs${need}\n`, 0o755);
    if (needs !== undefined) await write(join(home, needs), `what ${name} needs\n`);
    if (hidden !== undefined) await write(join(home, hidden), SECRET);
  }
  for (const path of HIDDEN) await write(join(home, path), `#!/bin/sh\n# ${SECRET}\n`, 0o755);
  await write(join(home, '.local/share/uv/tools/ruff/bin/ruff'), '#!/bin/sh\necho ruff runs\n', 0o755);
  await symlink(join(home, '.local/share/uv/tools/ruff/bin/ruff'), join(home, '.local/bin/ruff'));
  await execa('cp', ['/bin/true', join(home, '.local/bin/compiled')]);
  await write(join(home, '.tool-versions'), 'nodejs 20\n');
  const local = ['bin', '.local/bin', ...HOMES.map(([, { on }]) => on)].map((each) => join(home, each));
  return ['.', home, ...local, '/usr/local/bin', '/usr/bin', '/bin'].join(':');
}

describe.skipIf(missing !== undefined).each(users)('toolchains in a home, as %s', (who) => {
  test('are found by every command, without what is beside them', LONG, async () => {
    await using actor = startActor(who);
    await using world = await makeWorld(actor.uid);
    const home = join(world.outside, 'home');
    const PATH = await makeHome(home);
    await execa('chown', ['-R', String(actor.uid), home]);
    await chmod(home, 0o700);
    const sandbox = actor.sandbox('bubblewrap', {
      machine: { environment: { PATH }, home, directory: world.outside },
    });
    await sandbox.chownToSandboxUser(world.worktree);
    const hidden = [
      ...HIDDEN,
      ...HOMES.flatMap(([, { hidden: path }]) => (path === undefined ? [] : [path])),
    ];
    const script = [
      ...HOMES.map(([name]) => name),
      'ruff',
      'compiled && echo compiled runs',
      ...hidden.map((path) => `cat ${join(home, path)}`),
      `grep -r ${SECRET} ${home}`,
      `for path in $(echo $PATH | tr : ' '); do echo x >> $path/planted; done`,
      'cat /choo/.tool-versions; node --version; env',
    ].join('\n');
    const argv = ['bash', '-c', script] as const;
    for (const profile of ['setup', 'gate'] as const) {
      await sandbox.exec(world.workplace, {
        profile,
        argv,
        cwd: world.worktree,
        totalMs: 120_000,
        logFile: join(world.outside, `${profile}.log`),
      });
      const text = await readFile(join(world.outside, `${profile}.log`), 'utf8');
      for (const [name, { needs, says }] of HOMES) {
        expect(text).toContain(`${name} runs\n${needs === undefined ? '' : `what ${name} needs\n`}`);
        expect(text).toContain(says === undefined ? 'PATH=' : `${says}=${home}/`);
      }
      expect(text).toContain('ruff runs\ncompiled runs\n');
      expect(text).toContain(`nodejs 20\n${process.version}\n`);
      expect(text).not.toContain(`# ${SECRET}`);
      expect(text).not.toMatch(new RegExp(`^${SECRET}`, 'm'));
      expect(text).not.toContain(`${home}/bin:`);
      expect((await execa('find', [home, '-name', 'planted'])).stdout).toBe('');
    }
  });
});

describe('what is shown of a machine', () => {
  test('is no home, and nothing of the system, whatever variables say', async () => {
    await using place = await temporaryDirectory();
    const home = place.path;
    for (const path of ['bin/x', '.nvm/versions/x', '.cargo/bin/x', 'project/node_modules/.bin/x'])
      await write(join(home, path), 'x', 0o755);
    const PATH = [
      home,
      join(home, 'bin'),
      join(home, 'project/node_modules/.bin'),
      '/usr/bin',
      '/',
      'relative',
    ].join(':');
    const hostile = {
      PYENV_ROOT: home,
      NVM_DIR: dirname(home),
      CARGO_HOME: '/',
      VOLTA_HOME: 'relative',
      GOPATH: `${home}/`,
    };
    const found = await findToolchains(
      { PATH, ...hostile, JAVA_HOME: join(home, 'java'), PYENV_VERSION: '3.12' },
      home,
    );
    expect(found).toEqual({ path: [], variables: { PYENV_VERSION: '3.12' }, shown: [] });
  });

  test.runIf(isRoot())('has the installations in /opt that the PATH names', async () => {
    const opt = await mkdtemp('/opt/choo-test-');
    try {
      await write(join(opt, 'tool/bin/x'), 'x', 0o755);
      const found = await findToolchains({ PATH: join(opt, 'tool/bin') }, '/nonexistent');
      expect(found).toEqual({ path: [join(opt, 'tool/bin')], variables: {}, shown: [{ path: opt }] });
    } finally {
      await rm(opt, { recursive: true, force: true });
    }
  });

  test('is more where CHOO_SANDBOX_READ and CHOO_SANDBOX_ENV say so', async () => {
    await using place = await temporaryDirectory();
    await write(join(place.path, 'tools/bin/x'), 'x', 0o755);
    const tools = join(place.path, 'tools');
    const environment = { PATH: `/usr/bin:${tools}/bin`, TOOL_MODE: 'fast', API_KEY: 'the-key' };
    const choose = async (read: readonly string[], names: readonly string[]) =>
      findChosen({ read, names, secrets: ['the-key'] }, environment);
    expect(await choose([tools], ['TOOL_MODE', 'UNSET'])).toEqual({
      path: [`${tools}/bin`],
      variables: { TOOL_MODE: 'fast' },
      shown: [{ path: tools }],
    });
    await expect(choose([join(place.path, 'none')], [])).rejects.toThrow('which is not there');
    await expect(choose(['/'], [])).rejects.toThrow('would cover the sandbox');
    await expect(choose([], ['API_KEY'])).rejects.toThrow('a secret of choo');
  });

  test('explains a program that a shell does not find', async () => {
    await using place = await temporaryDirectory();
    await write(join(place.path, 'made-up'), 'x', 0o755);
    const on = { searchPath: place.path, tools: NO_TOOLS };
    expect(explainMissing('bash: line 1: made-up: command not found\n', on)).toBe(
      `\`made-up\` is at ${place.path}/made-up on this machine, and the sandbox shows the programs of /usr, of the Node that runs choo: CHOO_SANDBOX_READ shows more`,
    );
    expect(
      explainMissing('x\nsh: 1: other: not found\n', { ...on, tools: { ...NO_TOOLS, path: ['/opt/x/bin'] } }),
    ).toBe(
      '`other` is not on the PATH of this machine either: the sandbox shows the programs of /usr, of the Node that runs choo, and of /opt/x/bin. Install it there, or let set-up install it below the project or its home',
    );
  });
});
