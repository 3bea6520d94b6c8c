import { ChooError } from '../../errors.ts';
import type { ChildService } from '../../system/child-process.ts';
import type { Git } from '../git.ts';

/** What git knows about an object without opening it. */
export interface ObjectInfo {
  readonly id: string;
  readonly type: string;
  /** Bytes. */
  readonly size: number;
}

/** The command that is sent for each object. */
type Command = 'info' | 'contents';
/** Extracts a result from a response; `info` is undefined when there is no such object. */
type Picker<T> = (info: ObjectInfo | undefined, content: Buffer | undefined) => T;

/** One expected response. */
interface Pending {
  readonly wantsContent: boolean;
  readonly settle: (info: ObjectInfo | undefined, content: Buffer | undefined) => void;
}

/** An object that is arriving: its bytes, and the line feed that ends it. */
interface Incoming {
  readonly info: ObjectInfo;
  readonly bytes: Buffer;
  filled: number;
}

/** One `git cat-file --batch-command` (git 2.36 or newer), until it ends. It responds in order. */
export class CatFile implements AsyncDisposable {
  readonly #companion: ChildService;
  readonly #onEnd: () => void;
  readonly #pending: Pending[] = [];
  #next = 0;
  #failure: ChooError | undefined;
  #header = Buffer.alloc(0);
  #content: Incoming | undefined;

  private constructor(service: ChildService, onEnd: () => void) {
    this.#companion = service;
    this.#companion.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#onEnd = onEnd;
    void this.#companion.ended.then(({ exitCode, stderr }) => this.#fail(exitCode, stderr));
  }

  /** `onEnd` is called when it can no longer take requests. */
  static async start(git: Git, onEnd: () => void): Promise<CatFile> {
    return new CatFile(await git.start('cat-file', '--batch-command', '--buffer'), onEnd);
  }

  get hasEnded(): boolean {
    return this.#failure !== undefined;
  }

  /** Returns what `pick` makes of each response, in order. Throws a ChooError (`git`) when the process ends too early. */
  async ask<T>(command: Command, ids: readonly string[], pick: Picker<T>): Promise<readonly T[]> {
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, resolve, reject } = Promise.withResolvers<readonly T[]>();
    const answers: T[] = [];
    const wantsContent = command === 'contents';
    const settle: Pending['settle'] = (info, content) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      answers.push(pick(info, content));
      if (answers.length === ids.length) resolve(answers);
    };
    for (const _ of ids) this.#pending.push({ wantsContent, settle });
    this.#companion.stdin.write(`${ids.map((id) => `${command} ${id}\n`).join('')}flush\n`);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#companion[Symbol.asyncDispose]();
  }

  #take(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      rest = this.#content === undefined ? this.#takeHeader(rest) : this.#takeContent(this.#content, rest);
    }
  }

  /** `<id> <type> <size>` or `<id> missing`, and a line feed. */
  #takeHeader(chunk: Buffer): Buffer {
    const end = chunk.indexOf('\n');
    const bytes = end < 0 ? chunk : chunk.subarray(0, end);
    if (end < 0 || this.#header.length > 0) this.#header = Buffer.concat([this.#header, bytes]);
    if (end < 0) return chunk.subarray(chunk.length);
    const [id = '', type = '', size] = (this.#header.length > 0 ? this.#header : bytes)
      .toString('latin1')
      .split(' ');
    this.#header = Buffer.alloc(0);
    const info = size === undefined ? undefined : { id, type, size: Number(size) };
    if (info !== undefined && this.#pending[this.#next]?.wantsContent === true) {
      this.#content = { info, bytes: Buffer.allocUnsafeSlow(info.size + 1), filled: 0 };
    } else {
      this.#settle(info, undefined);
    }
    return chunk.subarray(end + 1);
  }

  /** As many bytes as the header said, and a line feed. */
  #takeContent(content: Incoming, chunk: Buffer): Buffer {
    const count = chunk.copy(content.bytes, content.filled);
    content.filled += count;
    if (content.filled === content.bytes.length) {
      this.#content = undefined;
      this.#settle(content.info, content.bytes.subarray(0, content.info.size));
    }
    return chunk.subarray(count);
  }

  #settle(info: ObjectInfo | undefined, content: Buffer | undefined): void {
    this.#pending[this.#next]?.settle(info, content);
    this.#next += 1;
    if (this.#next === this.#pending.length) this.#pending.splice(0, this.#next);
    if (this.#pending.length === 0) this.#next = 0;
  }

  #fail(exitCode: number | undefined, stderr: string): void {
    const reason = stderr === '' ? `exit ${exitCode ?? 'by signal'}` : stderr;
    this.#failure = new ChooError('git', `git cat-file ended: ${reason}`, {
      hint: 'choo needs git 2.38 or newer',
    });
    this.#onEnd();
    for (const pending of this.#pending.splice(this.#next)) pending.settle(undefined, undefined);
  }
}
