import process from 'node:process';

/** A function of the C library. It returns a number, most of them 0 when all is well. */
type Call = (...values: readonly unknown[]) => number;

const ACTIONS = 'int posix_spawn_file_actions_';
const ATTRIBUTES = 'int posix_spawnattr_';

/** What of the C library starts programs. The newest of these is in glibc 2.34, of 2021. */
const DECLARATIONS = {
  posixSpawn:
    'int posix_spawn(_Out_ int *pid, const char *path, void *actions, void *attributes, const char **argv, const char **env)',
  waitpid: 'int waitpid(int pid, _Out_ int *status, int options)',
  socketpair: 'int socketpair(int domain, int type, int protocol, _Out_ int *pair)',
  initActions: `${ACTIONS}init(void *actions)`,
  destroyActions: `${ACTIONS}destroy(void *actions)`,
  addDup2: `${ACTIONS}adddup2(void *actions, int from, int to)`,
  addOpen: `${ACTIONS}addopen(void *actions, int to, const char *path, int flags, unsigned int mode)`,
  addChdir: `${ACTIONS}addchdir_np(void *actions, const char *path)`,
  addCloseFrom: `${ACTIONS}addclosefrom_np(void *actions, int from)`,
  initAttributes: `${ATTRIBUTES}init(void *attributes)`,
  setFlags: `${ATTRIBUTES}setflags(void *attributes, short flags)`,
  setDefaultSignals: `${ATTRIBUTES}setsigdefault(void *attributes, void *signals)`,
  setBlockedSignals: `${ATTRIBUTES}setsigmask(void *attributes, void *signals)`,
} as const;

export type CLibrary = Readonly<Record<keyof typeof DECLARATIONS, Call>>;

/** More than any of its structures above takes on any machine. Bytes. */
const STRUCT_BYTES = 1_024;

/** Room for one of its structures, which it fills itself. */
export function makeStruct(): Buffer {
  return Buffer.alloc(STRUCT_BYTES);
}

/** Undefined where it is not glibc, is older, or where koffi has no binary for the machine. */
export async function openCLibrary(): Promise<CLibrary | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    const { default: koffi } = await import('koffi'); // 40 ms, and only who starts commands needs it
    const library = koffi.load('libc.so.6');
    const calls = Object.entries(DECLARATIONS).map(([name, text]) => [name, library.func(text)]);
    return Object.fromEntries(calls) as CLibrary;
  } catch {
    return undefined;
  }
}
