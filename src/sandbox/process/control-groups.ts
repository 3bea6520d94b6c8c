import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from '../../system/process-tree.ts';

/** What the processes of one command may use together. */
interface GroupLimits {
  /** Memory of every kind, that of `/tmp` included. Bytes. */
  readonly memoryBytes: number;
  readonly processes: number;
}

/** One command's control group. Disposing removes it, once its processes are gone. */
export interface ControlGroup extends AsyncDisposable {
  /** The words before the command that put it into the group. */
  readonly words: readonly string[];
  /** Whether the kernel has ended a process of it for its memory. */
  isOverMemory(): boolean;
}

/** Where the kernel lets choo make control groups. */
export interface ControlGroups {
  /** Undefined when it fails. */
  make(limits: GroupLimits): ControlGroup | undefined;
}

/** A controller's files, by the version of control groups. */
interface Hierarchy {
  /** Below which the groups are made. */
  readonly base: string;
  /** Written in this order; those that the kernel lacks may be left out. */
  readonly settings: (
    limits: GroupLimits,
  ) => readonly (readonly [file: string, value: string, must: boolean])[];
  /** The file with the line `oom_kill <count>`. */
  readonly events?: string;
}

/** choo's own processes in a service that was handed to it: version 2 allows none in a group that has groups. */
const OWN = 'choo-own';

/** Finds where groups can be made; undefined where the machine or the user's rights have none. `root`: of the file system. */
export function findControlGroups(root = '/'): ControlGroups | undefined {
  const own = readOwn(root);
  const hierarchies = findVersion2(root, own) ?? findVersion1(root, own);
  if (hierarchies === undefined) return undefined;
  const name = `choo-${process.pid}-${inspect(process.pid)?.startTime ?? ''}`;
  for (const { base } of hierarchies) removeLeft(base);
  let count = 0;
  const groups: ControlGroups = {
    make(limits) {
      const id = `${name}-${(count += 1)}`;
      const made: string[] = [];
      try {
        for (const { base, settings } of hierarchies) {
          const directory = join(base, id);
          mkdirSync(directory);
          made.push(directory);
          for (const [file, value, must] of settings(limits)) {
            const path = join(directory, file);
            if (must || existsSync(path)) writeFileSync(path, value);
          }
        }
      } catch {
        for (const directory of made) tryRemove(directory);
        return undefined;
      }
      const events = hierarchies.flatMap(({ base, events }) =>
        events === undefined ? [] : [join(base, id, events)],
      );
      return {
        words: ['sh', '-c', JOIN, 'join', ...made, '--'],
        isOverMemory: () => events.some((path) => /^oom_kill [1-9]/m.test(read(path))),
        [Symbol.asyncDispose]: async () => {
          for (const directory of made) await removeSoon(directory);
        },
      };
    },
  };
  const trial = groups.make({ memoryBytes: 2 ** 30, processes: 16 });
  void trial?.[Symbol.asyncDispose]();
  return trial && groups;
}

const JOIN = `while [ "$1" != -- ]; do
  echo $$ > "$1/cgroup.procs" || exit 1
  shift
done
shift
exec "$@"`;

/** The group of this process by controller; that of version 2 by an empty name. Paths from the root of the hierarchy. */
function readOwn(root: string): ReadonlyMap<string, string> {
  const lines = read(join(root, 'proc/self/cgroup')).split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [, controllers = '', ...path] = line.split(':');
      return path.length === 0
        ? []
        : controllers.split(',').map((each): [string, string] => [each, path.join(':')]);
    }),
  );
}

/** Where a hierarchy is mounted, with the group that is its root there. */
function findMount(root: string, isWanted: (type: string, options: readonly string[]) => boolean) {
  for (const line of read(join(root, 'proc/self/mountinfo')).split('\n')) {
    const [fields = '', system = ''] = line.split(' - ');
    const [, , , top, place] = fields.split(' ');
    const [type, , options = ''] = system.split(' ');
    if (type !== undefined && place !== undefined && top !== undefined && isWanted(type, options.split(',')))
      return { top, directory: join(root, place) };
  }
  return undefined;
}

function placeOf(mount: { readonly top: string; readonly directory: string }, path: string): string {
  const below = path === mount.top || path.startsWith(`${mount.top}/`) ? path.slice(mount.top.length) : path;
  return join(mount.directory, below);
}

function findVersion1(root: string, own: ReadonlyMap<string, string>): readonly Hierarchy[] | undefined {
  const baseOf = (controller: string): string | undefined => {
    const mount = findMount(root, (type, options) => type === 'cgroup' && options.includes(controller));
    const path = own.get(controller);
    const base = mount && path !== undefined ? placeOf(mount, path) : undefined;
    return base !== undefined && isWritable(base) ? base : undefined;
  };
  const [memory, pids] = [baseOf('memory'), baseOf('pids')];
  if (memory === undefined || pids === undefined) return undefined;
  return [
    {
      base: memory,
      settings: ({ memoryBytes }) => [
        ['memory.limit_in_bytes', `${memoryBytes}`, true],
        ['memory.memsw.limit_in_bytes', `${memoryBytes}`, false],
      ],
      events: 'memory.oom_control',
    },
    { base: pids, settings: ({ processes }) => [['pids.max', `${processes}`, true]] },
  ];
}

/**
 * In version 2 a group with processes has no groups with limits. So choo's own group must be one below another that holds nothing
 * else (systemd: `DelegateSubgroup=`), or a service, whose processes are all choo's and can be moved (`Delegate=yes`).
 */
function findVersion2(root: string, own: ReadonlyMap<string, string>): readonly Hierarchy[] | undefined {
  const mount = findMount(root, (type) => type === 'cgroup2');
  const path = own.get('');
  if (mount === undefined || path === undefined) return undefined;
  const group = placeOf(mount, path);
  try {
    const base = path.endsWith('.service') ? moveDown(group) : dirname(group);
    const isAlone =
      read(join(base, 'cgroup.procs')) === '' && childrenOf(base).every(isChoos(basename(group)));
    if (!base.startsWith(mount.directory) || !isAlone || !isWritable(base)) return undefined;
    writeFileSync(join(base, 'cgroup.subtree_control'), '+memory +pids');
    return [
      {
        base,
        settings: ({ memoryBytes, processes }) => [
          ['memory.max', `${memoryBytes}`, true],
          ['memory.swap.max', '0', false],
          ['memory.oom.group', '1', false],
          ['pids.max', `${processes}`, true],
        ],
        events: 'memory.events',
      },
    ];
  } catch {
    return undefined;
  }
}

/** Moves all processes of a group into one below. Returns the group. */
function moveDown(group: string): string {
  const below = join(group, OWN);
  if (!existsSync(below)) mkdirSync(below);
  for (const pid of read(join(group, 'cgroup.procs')).split('\n'))
    if (pid !== '') writeFileSync(join(below, 'cgroup.procs'), pid);
  return group;
}

function childrenOf(base: string): readonly string[] {
  return readdirSync(base, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
}

function isChoos(own: string): (name: string) => boolean {
  return (name) => name === own || name.startsWith('choo-');
}

/** Removes the groups of processes of choo that are gone. One in use cannot be removed. */
function removeLeft(base: string): void {
  for (const name of childrenOf(base)) {
    const [, pid, start] = /^choo-(\d+)-(\d*)-\d+$/.exec(name) ?? [];
    if (pid !== undefined && inspect(Number(pid))?.startTime !== start) tryRemove(join(base, name));
  }
}

/** The kernel needs a moment after the last process of a group. */
async function removeSoon(directory: string): Promise<void> {
  for (let pause = 1; pause < 500 && !tryRemove(directory); pause *= 2) await sleep(pause);
}

function tryRemove(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return !existsSync(directory);
  }
}

function isWritable(directory: string): boolean {
  try {
    for (const path of [directory, join(directory, 'cgroup.procs')]) accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
