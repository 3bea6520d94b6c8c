import { closeSync, constants as files } from 'node:fs';
import { Socket } from 'node:net';
import { constants as system } from 'node:os';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { type CLibrary, makeStruct, openCLibrary } from './c-library.ts';
import { findProgram } from './executables.ts';

/** A program to start in a session of its own. */
export interface ProgramStart {
  readonly argv: readonly [file: string, ...args: string[]];
  readonly cwd: string;
  /** Its whole environment; the program is looked for on the PATH in it. */
  readonly env: Readonly<Record<string, string>>;
  /** Its descriptors from 0 on; it gets no other. */
  readonly stdio: readonly ('ignore' | 'pipe')[];
}

/** How a program ended; one of both is null. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that was started. */
interface StartedProgram {
  readonly pid: number;
  /** choo's end of each pipe; null for a descriptor without one. */
  readonly stdio: readonly (Socket | null)[];
  /** Resolves when it has ended; never rejects. */
  readonly exited: Promise<ProgramEnd>;
}

/** Starts a program. Undefined when that fails, for whatever reason: Node can then tell it. */
export type PosixSpawn = (program: ProgramStart) => StartedProgram | undefined;

let opened: Promise<PosixSpawn | undefined> | undefined;

/**
 * Starts programs by `posix_spawn` of the C library. Node copies its page tables for each program and stands still until that
 * runs: 20 ms and more in a large server, where this takes less than 1. Undefined where the C library cannot do it, and in threads,
 * which are not told of ends.
 */
export async function openPosixSpawn(): Promise<PosixSpawn | undefined> {
  return (opened ??= isMainThread ? open() : Promise.resolve(undefined));
}

async function open(): Promise<PosixSpawn | undefined> {
  const library = await openCLibrary();
  if (library === undefined) return undefined;
  const attributes = makeAttributes(library);
  const ends = new Ends(library);
  return (program) => start(library, program, { attributes, ends });
}

const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;

/** A session of its own, and signals as every program expects them: Node ignores some. */
function makeAttributes(library: CLibrary): Buffer {
  const [attributes, signals] = [makeStruct(), makeStruct()];
  library.initAttributes(attributes);
  library.setBlockedSignals(attributes, signals.fill(0));
  library.setDefaultSignals(attributes, signals.fill(0xff)); // also those of the C library, which `sigfillset` leaves out
  library.setFlags(attributes, SETSIGDEF | SETSIGMASK | SETSID);
  return attributes;
}

function start(
  library: CLibrary,
  { argv, cwd, env, stdio }: ProgramStart,
  { attributes, ends }: { readonly attributes: Buffer; readonly ends: Ends },
): StartedProgram | undefined {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if ([...argv, cwd, ...variables].some((text) => text.includes('\0'))) return undefined; // it would end there
  const path = argv[0].includes('/') ? argv[0] : findProgram(argv[0], env['PATH'] ?? '');
  if (path === undefined) return undefined;
  const pipes = stdio.map((kind) => (kind === 'pipe' ? openPipe(library) : 'nothing'));
  const pid: [number] = [0];
  const actions = makeStruct();
  library.initActions(actions);
  const isStarted =
    library.addChdir(actions, cwd) === 0 &&
    addDescriptors(library, actions, pipes) &&
    library.posixSpawn(pid, path, actions, attributes, [...argv, null], [...variables, null]) === 0;
  library.destroyActions(actions);
  const open = pipes.filter((pipe) => typeof pipe === 'object');
  for (const { other } of open) closeSync(other);
  if (!isStarted) {
    for (const { own } of open) closeSync(own);
    return undefined;
  }
  const exited = ends.of(pid[0]);
  const sockets = pipes.map((pipe, index) =>
    typeof pipe === 'object' ? new Socket({ fd: pipe.own, readable: index > 0, writable: true }) : null,
  );
  // What nobody reads would never end.
  void exited.then(() => sockets.forEach((socket) => socket?.readableFlowing === null && socket.resume()));
  return { pid: pid[0], stdio: sockets, exited };
}

/** Both ends of a pipe as descriptors: choo's, and that of the program. */
interface Pipe {
  readonly own: number;
  readonly other: number;
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

/** A pair of sockets, as Node's own pipes are. Like all of choo's descriptors they close in other programs. */
function openPipe(library: CLibrary): Pipe | 'failed' {
  const pair: [own: number, other: number] = [-1, -1];
  const isOpen = library.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) === 0;
  return isOpen ? { own: pair[0], other: pair[1] } : 'failed';
}

/** Gives a program these descriptors, from 0 on, and no other. Whether that went well. */
function addDescriptors(
  library: CLibrary,
  actions: Buffer,
  pipes: readonly (Pipe | 'nothing' | 'failed')[],
): boolean {
  // First all to places above the others, so that none is overwritten before its turn.
  const above =
    1 + Math.max(pipes.length, ...pipes.map((pipe) => (typeof pipe === 'object' ? pipe.other : 0)));
  const moves = pipes.map(
    (pipe, to) => typeof pipe !== 'object' || library.addDup2(actions, pipe.other, above + to) === 0,
  );
  const places = pipes.map((pipe, to) => {
    if (pipe === 'failed') return false;
    return pipe === 'nothing'
      ? library.addOpen(actions, to, '/dev/null', files.O_RDWR, 0) === 0
      : library.addDup2(actions, above + to, to) === 0;
  });
  return [...moves, ...places].every(Boolean) && library.addCloseFrom(actions, pipes.length) === 0;
}

/** Signals that come while one waits are one. Milliseconds. */
const LOOK_AGAIN_MS = 1_000;
const WNOHANG = 1;

/** Learns of the ends of programs. Node learns of those that it started itself, and does not touch others. */
class Ends {
  readonly #library: CLibrary;
  readonly #running = new Map<number, (end: ProgramEnd) => void>();
  /** Also keeps Node running while a program does. */
  #timer: NodeJS.Timeout | undefined;

  constructor(library: CLibrary) {
    this.#library = library;
  }

  async of(pid: number): Promise<ProgramEnd> {
    if (this.#running.size === 0) {
      process.on('SIGCHLD', this.#look);
      this.#timer = setInterval(this.#look, LOOK_AGAIN_MS);
    }
    return new Promise((resolve) => {
      this.#running.set(pid, resolve);
    });
  }

  readonly #look = (): void => {
    for (const [pid, resolve] of this.#running) {
      const status: [number] = [0];
      const found = this.#library.waitpid(pid, status, WNOHANG);
      if (found === 0) continue; // it runs
      this.#running.delete(pid);
      resolve(found === pid ? readStatus(status[0]) : { code: -1, signal: null });
    }
    if (this.#running.size > 0) return;
    process.off('SIGCHLD', this.#look);
    clearInterval(this.#timer);
  };
}

/** Some have two names, of which the first is the usual one. */
const SIGNALS = new Map(
  Object.entries(system.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

/** What `waitpid` says of a program that has ended. */
function readStatus(status: number): ProgramEnd {
  const signal = status & 0x7f;
  if (signal === 0) return { code: (status >> 8) & 0xff, signal: null };
  return { code: null, signal: (SIGNALS.get(signal) ?? `SIG${signal}`) as NodeJS.Signals };
}
