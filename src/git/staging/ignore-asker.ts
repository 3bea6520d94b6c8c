import { lstatSync } from 'node:fs';
import type { ChildService } from '../../system/child-process.ts';
import type { Git } from '../git.ts';
import { isSettled } from './file-state.ts';

interface Question {
  readonly count: number;
  readonly answers: boolean[];
  readonly done: PromiseWithResolvers<readonly boolean[]>;
}

/**
 * Asks git which paths of a worktree its ignore files name, through a long-lived `git check-ignore`. It remembers ignore files,
 * so another one is started when any of them has changed. Paths are bytes, one character each.
 */
export class IgnoreAsker implements AsyncDisposable {
  readonly #git: Git;
  #state: string | undefined;
  #service: Promise<ChildService> | undefined;
  #pending: Question[] = [];

  /** `git` works in the worktree. */
  constructor(git: Git) {
    this.#git = git;
  }

  /** Whether each path is ignored, by these ignore files. No directory above a path may be a link. Rejects when git ends. */
  async ask(paths: readonly string[], ignoreFiles: readonly string[]): Promise<readonly boolean[]> {
    if (paths.length === 0) return [];
    const state = this.#read(ignoreFiles);
    if (state === undefined || state !== this.#state) await this[Symbol.asyncDispose]();
    this.#state = state;
    this.#service ??= this.#start();
    const service = await this.#service;
    const done = Promise.withResolvers<readonly boolean[]>();
    this.#pending.push({ count: paths.length, answers: [], done });
    // Not `:x`, which would be more than a path.
    service.stdin.write(Buffer.from(paths.map((path) => `./${path}\0`).join(''), 'latin1'));
    return done.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const service = await this.#service?.catch(() => undefined);
    this.#service = undefined;
    await service?.[Symbol.asyncDispose]();
  }

  /** What tells one state of the ignore files from another; undefined: nothing does. */
  #read(ignoreFiles: readonly string[]): string | undefined {
    const now = Date.now();
    const lines: string[] = [];
    for (const path of ignoreFiles) {
      const place = Buffer.from(`${Buffer.from(this.#git.directory).toString('latin1')}/${path}`, 'latin1');
      const { ino, size, ctimeMs } = lstatSync(place);
      if (!isSettled(ctimeMs, now)) return undefined; // it may change again without a sign
      lines.push(`${path}\0${ino} ${size} ${ctimeMs}`);
    }
    return lines.join('\0');
  }

  async #start(): Promise<ChildService> {
    const pending: Question[] = [];
    this.#pending = pending;
    const options = ['-z', '--stdin', '--verbose', '--non-matching', '--no-index'];
    // The one command that refuses to take paths literally, and always does.
    const service = await this.#git.start('--no-literal-pathspecs', 'check-ignore', ...options);
    let rest = '';
    let fields: string[] = [];
    service.stdout.setEncoding('latin1').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\0');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        fields.push(part);
        // The ignore file, the line, the pattern and the path; a pattern that begins with `!` takes back what others ignore.
        if (fields.length < 4) continue;
        const pattern = fields[2] ?? '';
        fields = [];
        const [question] = pending;
        question?.answers.push(pattern !== '' && !pattern.startsWith('!'));
        if (question?.answers.length === question?.count)
          pending.shift()?.done.resolve(question?.answers ?? []);
      }
    });
    const end = ({ stderr }: Awaited<ChildService['ended']>): void => {
      if (this.#pending === pending) this.#service = undefined;
      for (const { done } of pending.splice(0)) done.reject(new Error(`git check-ignore ended: ${stderr}`));
    };
    void service.ended.then(end);
    return service;
  }
}
