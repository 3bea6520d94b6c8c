import { lstatSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { HOME, PROJECT } from '../sandbox.ts';

/** A path of the machine that is mounted inside. */
export interface Bind {
  readonly path: string;
  /** Where; undefined: at the same path. */
  readonly at?: string;
  /** It is no mount but a link there, to this path. */
  readonly linkTo?: string;
  readonly writable: boolean;
}

/** What one command can see and reach. */
export interface View {
  /** Whether it shares the machine's network; otherwise it has only its own loopback. */
  readonly network: boolean;
  /** For the same path, the last entry wins. */
  readonly binds: readonly Bind[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The ordinary user to become again after overlays were mounted as root of a user namespace. */
  readonly become?: number | undefined;
  /** The size of `/tmp`, and of a home in memory. Bytes. */
  readonly temporaryBytes: number;
}

/** The size of each other tmpfs. Bytes. */
const SMALL_TMPFS_BYTES = '67108864';

/** Programs and libraries outside /usr: links into it on merged systems, directories on others, or missing. */
const SYSTEM_DIRECTORIES = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** Bubblewrap's options for a view, without the command. The machine's system directories are read-only. */
export function bubblewrapOptions({
  network,
  binds,
  cwd,
  env,
  become,
  temporaryBytes,
}: View): readonly string[] {
  const parts: readonly (readonly string[])[] = [
    ['--unshare-all', '--unshare-user', '--disable-userns', ...(network ? ['--share-net'] : [])],
    become === undefined ? [] : ['--uid', String(become), '--gid', String(become)],
    ['--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--json-status-fd', '3'],
    ['--seccomp', '5'],
    ['--ro-bind', '/usr', '/usr', ...SYSTEM_DIRECTORIES.flatMap(systemDirectory)],
    ['--proc', '/proc', '--dev', '/dev', ...tmpfs('/dev/shm', '1777'), '--remount-ro', '/dev'],
    tmpfs('/tmp', '1777', String(temporaryBytes)),
    ['/run', '/var', '/root'].flatMap((path) => tmpfs(path, '0755')),
    ['--dir', '/var/tmp', '--perms', '0755', '--dir', dirname(PROJECT)],
    binds.some(({ at }) => at === HOME) ? [] : tmpfs(HOME, '0755', String(temporaryBytes)),
    sortBinds(binds, placeOf).flatMap((each) => bind(each, placeOf(each))),
    ['--remount-ro', '/'], // bubblewrap's own tmpfs, which has no size limit
    ['--chdir', cwd, '--clearenv'],
    Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
  return parts.flat();
}

/**
 * Options for an outer bubblewrap, run as root, that lets another user reach the paths: parent directories closed to
 * that user are covered by a tmpfs that holds only these paths. Undefined when no parent is closed.
 */
export function reopenClosedParents(binds: readonly Bind[], uid: number): readonly string[] | undefined {
  const closed = new Set(
    binds.map(({ path }) => closedParent(path, uid)).filter((path) => path !== undefined),
  );
  if (closed.size === 0) return undefined;
  const reopened = sortBinds(binds, pathOf).filter(({ path }) =>
    [...closed].some((parent) => isBelow(path, parent)),
  );
  const between = new Set(reopened.flatMap(({ path }) => parentsOf(path)));
  return [
    // In a process namespace: the outer bubblewrap drops the right to kill a process of another user, so the death of
    // choo would not reach the inner one. The end of a namespace's first process always kills the rest.
    ['--die-with-parent', '--unshare-pid', '--json-status-fd', '6', '--dev-bind', '/', '/'],
    [...closed].flatMap((path) => tmpfs(path, '0755')),
    // Bubblewrap would create the directories in between itself, but with closed permissions.
    [...between]
      .filter((path) => [...closed].some((parent) => isBelow(path, parent)))
      .flatMap((path) => ['--perms', '0755', '--dir', path]),
    reopened.flatMap((each) => bind(each, each.path)),
  ].flat();
}

/** The first parent directory of a path that a user without groups cannot pass. */
function closedParent(path: string, uid: number): string | undefined {
  return parentsOf(path).find((parent) => {
    const stat = statSync(parent, { throwIfNoEntry: false });
    if (stat === undefined) return false; // bubblewrap reports it
    return (stat.mode & (stat.uid === uid ? 0o100 : stat.gid === uid ? 0o010 : 0o001)) === 0;
  });
}

/** The parent directories of a path, the nearest last. */
function parentsOf(path: string): readonly string[] {
  const parents: string[] = [];
  for (let parent = dirname(path); parent !== '/'; parent = dirname(parent)) parents.unshift(parent);
  return parents;
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`);
}

/** Each place once, parents before children: a later bind covers an earlier one. */
function sortBinds(binds: readonly Bind[], by: (bind: Bind) => string): readonly Bind[] {
  const unique = new Map(binds.map((bind) => [by(bind), bind]));
  return [...unique.values()].sort((a, b) => (`${by(a)}/` < `${by(b)}/` ? -1 : 1));
}

function pathOf({ path }: Bind): string {
  return path;
}

function placeOf({ path, at = path }: Bind): string {
  return at;
}

/** The first bind that would hide the project or lie in it, other than those that belong there. */
export function findIntruder(binds: readonly Bind[]): string | undefined {
  return binds.find(
    ({ path, at = path }) =>
      at === path && (path === '/' || path === PROJECT || isBelow(PROJECT, path) || isBelow(path, PROJECT)),
  )?.path;
}

function bind({ path, linkTo, writable }: Bind, at: string): readonly string[] {
  if (linkTo !== undefined) return ['--symlink', linkTo, at];
  return [writable ? '--bind' : '--ro-bind', path, at];
}

function tmpfs(path: string, permissions: string, bytes = SMALL_TMPFS_BYTES): readonly string[] {
  return ['--size', bytes, '--perms', permissions, '--tmpfs', path];
}

function systemDirectory(path: string): readonly string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  return stat.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
}
