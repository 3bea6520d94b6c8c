import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../../errors.ts';
import type { ChildService } from '../../system/child-process.ts';
import type { Git } from '../git.ts';
import { type ObjectPlace, type ObjectType, writeLooseObject } from './loose-object.ts';
import type { ObjectReader } from './object-reader.ts';
import { encodeName, TREE, type TreeItem } from './tree-format.ts';

/** What a commit object begins with. */
const COMMIT_HEADER = /^tree [0-9a-f]+\n(?:parent [0-9a-f]+\n)*author [^\n]+\ncommitter [^\n]+\n/;

/**
 * Writes objects of one repository. Blobs, which may be an agent's, go through a long-lived `git hash-object --stdin-paths`: it
 * finds the known attacks on SHA-1, at a tenth of the cost of a process for each. Their bytes are passed through files in a
 * directory of choo's. Trees and commits, which choo makes, need no git.
 */
export class ObjectWriter implements AsyncDisposable {
  readonly #git: Git;
  readonly #place: ObjectPlace;
  readonly #scratch: string;
  readonly #reader: ObjectReader;
  #blobs: Promise<BlobWriter> | undefined;
  #spool: Promise<string> | undefined;
  /** Unused files of the spool. Reused, because creating and removing one each time would cost more than the rest. */
  readonly #free: string[] = [];
  #count = 0;

  /** `scratch` is a directory that only choo can write to, created if missing. The reader remembers what is written. */
  constructor(
    git: Git,
    { scratch, reader, ...place }: ObjectPlace & { readonly scratch: string; readonly reader: ObjectReader },
  ) {
    this.#git = git;
    this.#place = place;
    this.#scratch = scratch;
    this.#reader = reader;
  }

  /** Returns the id of the new object, as `tree` and `commit` do. */
  async blob(content: Uint8Array): Promise<string> {
    const id = await this.#writeBlob(content);
    this.#reader.remember(id, 'blob', content);
    return id;
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
    const bytes = Buffer.from(content);
    if (!COMMIT_HEADER.test(bytes.toString('latin1', 0, bytes.indexOf('\n\n') + 1)))
      throw new ChooError('internal', `this is no commit: ${bytes.toString('utf8', 0, 200)}`);
    return this.#write('commit', bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#blobs?.catch(() => undefined))?.service[Symbol.asyncDispose]();
    const spool = await this.#spool?.catch(() => undefined);
    if (spool !== undefined) await rm(spool, { recursive: true, force: true });
  }

  #write(type: Exclude<ObjectType, 'blob'>, content: Buffer): string {
    const id = writeLooseObject(type, content, this.#place);
    this.#reader.remember(id, type, content);
    return id;
  }

  async #writeBlob(content: Uint8Array): Promise<string> {
    this.#spool ??= makeSpool(this.#scratch);
    const spool = await this.#spool;
    const path = this.#free.pop() ?? join(spool, String((this.#count += 1)));
    await writeFile(path, content, { mode: 0o600 });
    try {
      return await (await this.#blobWriter()).write(path);
    } finally {
      this.#free.push(path);
    }
  }

  /** The process that writes blobs; starts another when the last one has ended. */
  #blobWriter(): Promise<BlobWriter> {
    if (this.#blobs !== undefined) return this.#blobs;
    const forget = (): void => void (this.#blobs = undefined);
    this.#blobs = startBlobWriter(this.#git, forget);
    this.#blobs.catch(forget);
    return this.#blobs;
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

interface BlobWriter {
  readonly service: ChildService;
  readonly write: (path: string) => Promise<string>;
}

async function startBlobWriter(git: Git, onEnd: () => void): Promise<BlobWriter> {
  const service = await git.start('hash-object', '-w', '--no-filters', '--stdin-paths');
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
