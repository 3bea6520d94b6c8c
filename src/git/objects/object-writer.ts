import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../../errors.ts';
import type { ChildService } from '../../system/child-process.ts';
import type { Git } from '../git.ts';
import { encodeName, TREE, type TreeItem } from './tree-format.ts';

type ObjectType = 'blob' | 'tree' | 'commit';

/**
 * Writes objects of one repository through a long-lived `git hash-object --stdin-paths` for each type, at a tenth of the
 * cost of one process per object. The bytes are passed through files in a directory of choo's.
 */
export class ObjectWriter implements AsyncDisposable {
  readonly #git: Git;
  readonly #scratch: string;
  readonly #writers = new Map<ObjectType, Promise<TypeWriter>>();
  #spool: Promise<string> | undefined;
  /** Unused files of the spool. Reused, because creating and removing one each time would cost more than the rest. */
  readonly #free: string[] = [];
  #count = 0;

  /** `scratch` is a directory that only choo can write to, created if missing. */
  constructor(git: Git, scratch: string) {
    this.#git = git;
    this.#scratch = scratch;
  }

  /** Returns the id of the new object, as `tree` and `commit` do. */
  async blob(content: Uint8Array): Promise<string> {
    return this.#write('blob', content);
  }

  async tree(items: readonly TreeItem[]): Promise<string> {
    for (const { name } of items)
      if (/^(?:\.{0,2}|\.git)$|[/\0]/i.test(name))
        throw new ChooError('internal', `\`${name}\` is not a valid name in a tree`);
    const sorted = items.map((item) => ({ ...item, order: orderOf(item) }));
    sorted.sort((a, b) => Buffer.compare(a.order, b.order));
    const parts = sorted.flatMap(({ mode, name, id }) => [
      Buffer.from(`${mode} `),
      encodeName(name),
      Buffer.of(0),
      Buffer.from(id, 'hex'),
    ]);
    return this.#write('tree', Buffer.concat(parts));
  }

  async commit(content: string | Uint8Array): Promise<string> {
    return this.#write('commit', typeof content === 'string' ? Buffer.from(content) : content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const writers = await Promise.allSettled(this.#writers.values());
    for (const writer of writers)
      if (writer.status === 'fulfilled') await writer.value.service[Symbol.asyncDispose]();
    const spool = await this.#spool?.catch(() => undefined);
    if (spool !== undefined) await rm(spool, { recursive: true, force: true });
  }

  async #write(type: ObjectType, content: Uint8Array): Promise<string> {
    this.#spool ??= makeSpool(this.#scratch);
    const spool = await this.#spool;
    const path = this.#free.pop() ?? join(spool, String((this.#count += 1)));
    await writeFile(path, content, { mode: 0o600 });
    try {
      return await (await this.#writer(type)).write(path);
    } finally {
      this.#free.push(path);
    }
  }

  /** The process that writes this type; starts another when the last one has ended, as it does on an invalid object. */
  #writer(type: ObjectType): Promise<TypeWriter> {
    const running = this.#writers.get(type);
    if (running !== undefined) return running;
    const started = startTypeWriter(this.#git, type, () => this.#writers.delete(type));
    this.#writers.set(type, started);
    return started;
  }
}

async function makeSpool(scratch: string): Promise<string> {
  await mkdir(scratch, { recursive: true, mode: 0o755 });
  return mkdtemp(join(scratch, `spool-${process.pid}-`));
}

/** The sort key of a name in a tree: git sorts by bytes, as if directories ended in a slash. */
function orderOf({ mode, name }: TreeItem): Buffer {
  return encodeName(mode === TREE ? `${name}/` : name);
}

interface TypeWriter {
  readonly service: ChildService;
  readonly write: (path: string) => Promise<string>;
}

async function startTypeWriter(git: Git, type: ObjectType, onEnd: () => void): Promise<TypeWriter> {
  const service = await git.start('hash-object', '-w', '--no-filters', '-t', type, '--stdin-paths');
  const pending: PromiseWithResolvers<string>[] = [];
  let failure: ChooError | undefined;
  let rest = '';
  service.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) pending.shift()?.resolve(line);
  });
  const end = ({ exitCode, stderr }: Awaited<ChildService['ended']>): void => {
    onEnd();
    failure = new ChooError('git', `git hash-object ended: ${stderr || `exit ${exitCode ?? 'by signal'}`}`);
    for (const each of pending.splice(0)) each.reject(failure);
  };
  void service.ended.then(end);
  return {
    service,
    write: async (path) => {
      if (failure !== undefined) throw failure;
      const answer = Promise.withResolvers<string>();
      pending.push(answer);
      service.stdin.write(`${path}\n`);
      return answer.promise;
    },
  };
}
