import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { type Execution, HOME, PROJECT, type SandboxPaths } from '../sandbox.ts';
import type { Bind } from './bubblewrap-line.ts';
import type { Tools } from '../machine/toolchains.ts';

/** Mounts besides the system. A later one wins, so `.git` stays read-only whatever the execution requests. */
export function bindsOf({
  workplace: { readable },
  execution,
  layers: { worktree, home },
  network,
  tools,
  nodePath,
  etc,
}: {
  readonly workplace: SandboxPaths;
  readonly execution: Execution;
  readonly layers: { readonly worktree: string; readonly home: string | undefined };
  /** Its settings by their place inside; undefined: it has none. */
  readonly network:
    | { readonly readable: readonly string[]; readonly settings: ReadonlyMap<string, string> }
    | undefined;
  readonly tools: Tools;
  readonly nodePath: string;
  /** What is shown as `/etc`. */
  readonly etc: string;
}): readonly Bind[] {
  const gitFile = join(worktree, '.git');
  const packages = join(nodePath, '../lib/node_modules'); // npm and globally installed packages
  const read = [
    // Beside a Node that was put somewhere alone may be anything.
    ...(isThere(packages) ? [nodePath, packages] : [join(nodePath, 'node')]),
    ...(network?.readable ?? []),
    ...readable,
    ...(execution.readable ?? []),
  ];
  return [
    { path: etc, at: '/etc', writable: false },
    ...[...tools.shown, ...read.map((path): Tools['shown'][number] => ({ path }))]
      .filter(({ path, at = path }) => !/^\/(?:usr|etc)(?:\/|$)/.test(at)) // there already
      .map((shown) => ({ ...shown, writable: false })),
    ...[...(network?.settings ?? [])].map(([at, path]) => ({ path, at, writable: false })),
    ...(execution.writable ?? []).map((path) => ({ path, writable: true })),
    ...(home === undefined ? [] : [{ path: home, at: HOME, writable: true }]),
    { path: worktree, at: PROJECT, writable: true },
    ...[gitFile].filter(isThere).map((path) => ({ path, at: join(PROJECT, '.git'), writable: false })),
  ];
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The variables of every command. */
export function environment(nodePath: string, tools: Tools): Readonly<Record<string, string>> {
  return {
    ...tools.variables,
    PATH: `${[...tools.path, nodePath].join(':')}:/usr/local/bin:/usr/bin:/bin`,
    HOME,
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    // Lets git read a worktree of another user, without writing its index.
    GIT_OPTIONAL_LOCKS: '0',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  };
}
