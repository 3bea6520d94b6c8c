/** A system call's numbers: of x86_64 (`arch/x86/entry/syscalls/syscall_64.tbl`) and of arm64 (`asm-generic/unistd.h`). */
export interface SystemCall {
  readonly x64: number;
  /** Undefined: arm64 does not have it. */
  readonly arm64?: number;
}

/** A call that Linux has added since 5.1: these have one number everywhere. */
function everywhere(number: number): SystemCall {
  return { x64: number, arm64: number };
}

/**
 * The highest number whose call was looked at for this list (Linux 6.18). What a later kernel adds is answered as an older one
 * would. The calls of x32 are above, too: their numbers have bit 30.
 */
export const LAST_KNOWN = 469;

/** What no command gets: calls without a namespace, calls on other processes, and large parts of the kernel that few need. */
export const REFUSED: Readonly<Record<string, SystemCall>> = {
  // No namespace holds keys: a command would see those of who started choo, and leave notes for other units.
  add_key: { x64: 248, arm64: 217 },
  request_key: { x64: 249, arm64: 218 },
  keyctl: { x64: 250, arm64: 219 },
  // One tool of an agent could speak for its CLI, or read its key.
  ptrace: { x64: 101, arm64: 117 },
  process_vm_readv: { x64: 310, arm64: 270 },
  process_vm_writev: { x64: 311, arm64: 271 },
  kcmp: { x64: 312, arm64: 272 },
  pidfd_getfd: everywhere(438),
  process_madvise: everywhere(440),
  // Memory that no limit sees.
  memfd_secret: everywhere(447),
  // Where most holes of the kernel are found.
  bpf: { x64: 321, arm64: 280 },
  perf_event_open: { x64: 298, arm64: 241 },
  userfaultfd: { x64: 323, arm64: 282 },
  io_uring_setup: everywhere(425),
  io_uring_enter: everywhere(426),
  io_uring_register: everywhere(427),
  // Mounts and namespaces; those of `clone` and `unshare` are refused by their flags.
  mount: { x64: 165, arm64: 40 },
  umount2: { x64: 166, arm64: 39 },
  pivot_root: { x64: 155, arm64: 41 },
  setns: { x64: 308, arm64: 268 },
  open_tree: everywhere(428),
  move_mount: everywhere(429),
  fsopen: everywhere(430),
  fsconfig: everywhere(431),
  fsmount: everywhere(432),
  fspick: everywhere(433),
  mount_setattr: everywhere(442),
  open_tree_attr: everywhere(467),
  // The machine itself. A command lacks the right to most of it anyway.
  acct: { x64: 163, arm64: 89 },
  clock_settime: { x64: 227, arm64: 112 },
  delete_module: { x64: 176, arm64: 106 },
  finit_module: { x64: 313, arm64: 273 },
  init_module: { x64: 175, arm64: 105 },
  ioperm: { x64: 173 },
  iopl: { x64: 172 },
  kexec_file_load: { x64: 320, arm64: 294 },
  kexec_load: { x64: 246, arm64: 104 },
  lookup_dcookie: { x64: 212, arm64: 18 },
  lsm_set_self_attr: everywhere(460),
  modify_ldt: { x64: 154 },
  nfsservctl: { x64: 180, arm64: 42 },
  open_by_handle_at: { x64: 304, arm64: 265 },
  quotactl: { x64: 179, arm64: 60 },
  quotactl_fd: everywhere(443),
  reboot: { x64: 169, arm64: 142 },
  settimeofday: { x64: 164, arm64: 170 },
  swapoff: { x64: 168, arm64: 225 },
  swapon: { x64: 167, arm64: 224 },
  syslog: { x64: 103, arm64: 116 },
  uselib: { x64: 134 },
  vhangup: { x64: 153, arm64: 58 },
};

/** Its flags are in memory, where no filter can look: callers fall back to `clone` when it is missing. */
export const CLONE3 = everywhere(435);

/** Calls that depend on their arguments. */
export const CLONE = { x64: 56, arm64: 220 };
export const UNSHARE = { x64: 272, arm64: 97 };
export const SOCKET = { x64: 41, arm64: 198 };
export const SOCKETPAIR = { x64: 53, arm64: 199 };
export const IOCTL = { x64: 16, arm64: 29 };
export const SHMGET = { x64: 29, arm64: 194 };
