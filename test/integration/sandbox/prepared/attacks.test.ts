import { execa } from 'execa';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLayers, overlayWords } from '../../../../src/sandbox/bubblewrap/layers.ts';
import { HOME, type SandboxPaths } from '../../../../src/sandbox/sandbox.ts';
import { removeTree } from '../../../../src/system/remove-tree.ts';
import { whyNoBubblewrap } from '../../../fixtures/sandbox/missing.ts';
import { describeAsEachUser } from '../../../helpers/each-user.ts';

const LONG = { timeout: 240_000 };
const KEY = 'c'.repeat(64);
const SECRET = 'of the user who runs choo';
/** Not all of it is open to an ordinary user. */
const UNREADABLE = { reject: false };
const missing = whyNoBubblewrap();

/** What an agent's set-up leaves for whoever moves, opens, shows and removes it. */
const HOSTILE = (outside: string): string => `mkdir -p deps/deep deps/locked
echo good > deps/file; echo x > deps/locked/file; echo x > deps/deep/file; echo tool > ~/tool
ln -s ${outside} deps/way; ln -s ${outside}/file deps/link; ln -s ${outside} ~/way; ln -s ${outside}/file ~/.npmrc
cp /bin/true deps/program; chmod 6777 deps/program; cp /bin/true ~/program; chmod 6777 ~/program
mkfifo deps/pipe; mknod deps/gone c 0 0; touch -- deps/-R "deps/$(printf 'a\\nb')" "deps/$(printf '\\377')"
perl -e 'require "syscall.ph"; my $at = "deps/deep"; for (["redirect", "${outside}"], ["opaque", "y"]) {
  my ($name, $value) = ("user.overlay.$$_[0]", $$_[1]); syscall(&SYS_setxattr, $at, $name, $value, length $value, 0); }'
chmod 000 deps/locked/file deps/locked; true
`;

/** What somebody above it tries: to get out by what was left, then to overwrite, rename and delete all of it. */
const ABUSE = `cat deps/link deps/way/file ~/.npmrc ~/way/file 2>/dev/null && echo read
for path in deps/link deps/way/planted ~/.npmrc ~/way/planted; do echo x > "$path"; done 2>/dev/null
cat deps/file ~/tool && echo $0 > deps/file && echo $0 > ~/tool && mv deps/deep deps/$0 && echo $0 > deps/$0/file &&
sleep 0.3 && cat deps/file deps/$0/file ~/tool && chmod -Rf u+rwX deps; rm -rf deps ~/program; ls -A -I .npm . ~`;

/** What it prints where nothing of this succeeded but what it may do. */
function abused(name: string): string {
  return `good\ntool\n${name}\n${name}\n${name}\n.:\n\n${HOME}:\n.npmrc\ntool\nway\n`;
}

describeAsEachUser('what a hostile set-up left', missing, (place) => {
  let store: string;
  let below: NonNullable<SandboxPaths['below']>;
  /** What the set-up found outside, before it ran. */
  let outside: string;

  beforeAll(async () => {
    store = join(dirname(place.world.outside), 'store');
    await writeFile(join(place.world.outside, 'file'), SECRET, { mode: 0o600 });
    const unit = await workplace('unit', {
      'package.json': JSON.stringify({
        name: 'x',
        version: '1.0.0',
        scripts: { postinstall: 'sh hostile.sh' },
      }),
      'hostile.sh': HOSTILE(place.world.outside),
    });
    await plantHalf();
    await give(place.actor.uid, place.world.outside);
    outside = await listing(place.world.outside);
    const sandbox = place.actor.sandbox('bubblewrap');
    const argv = ['npm', 'install', '--offline', '--no-audit', '--no-fund'] as const;
    const { ending, tail } = await sandbox.exec(unit, {
      profile: 'setup',
      argv,
      cwd: unit.worktree,
      totalMs: 120_000,
    });
    if (ending.kind !== 'exited' || ending.exitCode !== 0) throw new Error(`the set-up failed: ${tail}`);
    below = await sandbox.keep({ directory: store, key: KEY, ignored: ['deps'] }, unit);
  }, 240_000);
  afterAll(async () => {
    await removeTree(store); // some of it is closed to its owner
  });

  /** A worktree of a user with these files. */
  async function workplace(
    name: string,
    files: Readonly<Record<string, string>> = {},
    uid = place.actor.uid,
  ): Promise<SandboxPaths & { readonly beside: string }> {
    const [worktree, beside] = [name, `beside-${name}`].map((each) =>
      join(dirname(place.world.outside), each),
    );
    if (worktree === undefined || beside === undefined) throw new Error();
    for (const path of [worktree, beside]) await mkdir(path);
    for (const [path, text] of Object.entries(files)) await writeFile(join(worktree, path), text);
    await give(uid, worktree, beside);
    if (uid === place.actor.uid) await place.actor.sandbox('bubblewrap').chownToSandboxUser(worktree);
    return { worktree, readable: [], beside };
  }

  /** What a choo that was killed left of a snapshot, with a trap for whoever removes it. */
  async function plantHalf(): Promise<void> {
    const half = join(store, `.draft-${KEY}`, 'project/deps');
    await mkdir(join(half, 'locked'), { recursive: true });
    await mkdir(join(store, 'uses'));
    for (const name of ['file', 'half', 'locked/file']) await writeFile(join(half, name), 'half');
    await symlink(place.world.outside, join(half, 'way'));
    const dead = await execa('sh', ['-c', 'echo $$']);
    await writeFile(
      join(store, `${KEY}.lock`),
      JSON.stringify({ pid: Number(dead.stdout), start: '1', token: '' }),
    );
    await give(place.actor.uid, store);
    await execa('chmod', ['0', join(half, 'locked')]);
    await execa('chmod', ['0700', store]);
  }

  async function abuse(name: string): Promise<string> {
    const at = { ...(await workplace(name)), below };
    const argv = ['bash', '-c', ABUSE, name] as const;
    const { tail } = await place.actor
      .sandbox('bubblewrap')
      .exec(at, { profile: 'agent', argv, cwd: at.worktree, totalMs: 120_000 });
    return tail;
  }

  test('reaches nothing by its links, and keeps no rights', LONG, async () => {
    expect(await listing(place.world.outside)).toBe(outside);
    expect((await stat(store)).mode & 0o777).toBe(0o700);
    expect(await readFile(join(below.project, 'deps/file'), 'utf8')).toBe('good\n');
    // An ordinary user's programs have no rights but those of the same user.
    const { stdout } = await execa('find', [store, '-perm', '/6000'], UNREADABLE);
    expect(stdout === '').toBe(place.who === 'root');
  });

  test('holds nothing of one that was half written', LONG, async () => {
    const { stdout } = await execa('find', [store, '-name', 'half', '-o', '-name', '.draft-*'], UNREADABLE);
    expect(stdout).toBe('');
  });

  test(
    'is below two at once, who overwrite, rename and delete it, for each of them alone',
    LONG,
    async () => {
      const before = await listing(store);
      const tails = await Promise.all([abuse('one'), abuse('two')]);
      expect(tails).toEqual([abused('one'), abused('two')]);
      expect(await listing(store)).toBe(before);
      expect(await listing(place.world.outside)).toBe(outside);
      expect(await abuse('three')).toBe(abused('three')); // as if nobody had been there
    },
  );

  test.runIf(place.who === 'root')(
    'is below two users at once, whose store is closed to them',
    LONG,
    async () => {
      const before = await listing(store);
      const searchPath = process.env['PATH'] ?? '';
      const run = async (uid: number): Promise<string> => {
        const at = { ...(await workplace(`of-${uid}`, {}, uid)), below };
        await using layers = await openLayers(at, {}, { canOverlay: async () => true, uid, searchPath });
        const words = overlayWords(layers.overlays, { unshare: 'unshare', mount: 'mount', asRoot: true });
        const identity = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--inh-caps=-all', '--'];
        const script = `cd "$1" && ls "$2" ${below.project} 2>/dev/null; ${ABUSE}`;
        const [file = '', ...args] = [
          ...words,
          ...['setpriv', ...identity, 'bash', '-c', script, String(uid), at.worktree, store],
        ];
        const { stdout } = await execa(file, args, {
          extendEnv: false,
          env: { PATH: searchPath, HOME: layers.home },
          reject: false,
        });
        return `${stdout.replace(layers.home ?? '', HOME)}\n`;
      };
      const uids = [61_778, 61_779];
      const tails = await Promise.all(uids.map(run));
      expect(tails).toEqual(uids.map((uid) => abused(String(uid))));
      expect(await listing(store)).toBe(before);
      expect(await listing(place.world.outside)).toBe(outside);
    },
  );
});

async function give(uid: number, ...paths: readonly string[]): Promise<void> {
  if (uid !== process.getuid?.()) await execa('chown', ['-hR', `${uid}:${uid}`, ...paths]);
}

/** All that is below a path, with what any change of it would change. */
async function listing(path: string): Promise<string> {
  const { stdout } = await execa('find', [path, '-printf', '%P %y %m %U %n %s %T@ %C@ %l\\n'], UNREADABLE);
  return stdout.split('\n').sort().join('\n');
}
