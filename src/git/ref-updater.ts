import { ChooError } from '../errors.ts';
import type { ChildService } from '../system/child-process.ts';
import type { Git } from './git.ts';

interface Request {
  readonly text: string;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Moves refs of one repository through a long-lived `git update-ref --stdin`, each in a transaction of its own: locks, packed
 * refs, reflogs and reftables stay git's, at a fifth of the cost of a process for each. It is started by the first request.
 */
export class RefUpdater implements AsyncDisposable {
  readonly #git: Git;
  #service: Promise<ChildService> | undefined;
  readonly #pending: Request[] = [];

  /** `git` works in the repository. */
  constructor(git: Git) {
    this.#git = git;
  }

  /** Moves a ref, which is never followed to another. Throws a ChooError (`git`) with git's message when it refuses. */
  async update(ref: string, { from, to }: { readonly from: string; readonly to: string }): Promise<void> {
    if (/[\s\0]/.test(ref)) throw new ChooError('git', `git update-ref failed: invalid ref format: ${ref}`);
    const text = `start\0update ${ref}\0${to}\0${from}\0commit\0`;
    return this.#send({ text, done: Promise.withResolvers() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#service?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }

  async #send(request: Request): Promise<void> {
    this.#service ??= this.#start();
    const service = this.#service;
    service.catch(() => (this.#service = undefined));
    const { stdin } = await service;
    // It ended meanwhile, over a request before this one.
    if (service !== this.#service) return this.#send(request);
    this.#pending.push(request);
    stdin.write(request.text);
    return request.done.promise;
  }

  async #start(): Promise<ChildService> {
    const options = ['--no-deref', '--create-reflog', '-m', 'choo', '--stdin', '-z'];
    const service = await this.#git.start('update-ref', ...options);
    let rest = '';
    service.stdout.setEncoding('latin1').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line === 'commit: ok') this.#pending.shift()?.done.resolve();
    });
    const end = ({ stderr, exitCode }: Awaited<ChildService['ended']>): void => {
      this.#service = undefined;
      // git ends over the first request that it refuses, and has carried out nothing behind it.
      const [refused, ...others] = this.#pending.splice(0);
      const message = stderr.trim() || `exit ${exitCode ?? 'by signal'}`;
      refused?.done.reject(new ChooError('git', `git update-ref failed: ${message}`));
      for (const other of others) this.#send(other).catch(other.done.reject);
    };
    void service.ended.then(end);
    return service;
  }
}
