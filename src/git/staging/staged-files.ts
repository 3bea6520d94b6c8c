import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../../errors.ts';
import type { Git } from '../git.ts';
import { objectId } from '../objects/loose-object.ts';
import type { ObjectWriter } from '../objects/object-writer.ts';
import { encodeName } from '../objects/tree-format.ts';
import { hasExactTimes, readContent } from './file-state.ts';
import { IgnoreAsker } from './ignore-asker.ts';
import { formatIndex, parseIndex } from './index-format.ts';
import { type Found, lookAt } from './look.ts';
import { type StagedFile, StagedTree } from './staged-tree.ts';

/** With more files git, which looks from several threads, is faster. */
const MAX_FILES = 4_000;

export interface StagedFilesOptions {
  /** git in the worktree, with choo's index. */
  readonly git: Git;
  /** choo's index. */
  readonly indexFile: string;
  readonly objectFormat: string;
  readonly writer: ObjectWriter;
  /** The repository whose settings and further ignore files count. */
  readonly repository: string;
}

/**
 * What is staged of one worktree, kept in memory beside choo's index on disk, so that looking and staging need no git. It knows
 * nothing whenever git may have reasons of its own; then git does everything, as after {@link tell}, and {@link learn} follows.
 */
export class StagedFiles implements AsyncDisposable {
  readonly #options: StagedFilesOptions;
  readonly #ignores: IgnoreAsker;
  #staged: StagedTree | undefined;
  /** The index on disk is older. */
  #isAhead = false;

  constructor(options: StagedFilesOptions) {
    this.#options = options;
    this.#ignores = new IgnoreAsker(options.git);
  }

  /** Takes over what git wrote into the index. */
  async learn(): Promise<void> {
    [this.#staged, this.#isAhead] = [undefined, false];
    const { git, indexFile, objectFormat, repository } = this.#options;
    if (!hasExactTimes(git.directory) || !isPlainRepository(repository)) return;
    const index = await readFile(indexFile).catch(() => undefined);
    const files = index && parseIndex(index, objectFormat);
    if (files === undefined || files.length > MAX_FILES || files.some(([path]) => isSpecial(path))) return;
    this.#staged = new StagedTree(files);
  }

  /** Writes the index for git, if it is older than what is known here. Call it before any git that reads it. */
  async tell(): Promise<void> {
    if (this.#isAhead) await this.#write(this.#options.indexFile);
    this.#isAhead = false;
  }

  /** Writes an index of what is staged to another file. False: choo's index on disk is the only one. */
  async writeTo(file: string): Promise<boolean> {
    return this.#write(file);
  }

  /** Looks at the worktree. Undefined: git must. See {@link lookAt}. */
  async look(): Promise<Found | undefined> {
    const { git, objectFormat } = this.#options;
    if (this.#staged === undefined || hasMoreRules(this.#options.repository)) return undefined;
    return lookAt({
      path: git.directory,
      staged: this.#staged,
      objectFormat,
      askIgnored: async (paths, ignoreFiles) => this.#ignores.ask(paths, ignoreFiles),
    });
  }

  /** Stages what a look has just found; returns the tree's id. Undefined: git must, and nothing is known here any more. */
  async stage({ changed, deleted, untracked }: Found): Promise<string | undefined> {
    const staged = this.#staged;
    if (staged === undefined) return undefined;
    const files = new Map<string, StagedFile>();
    for (const path of [...changed, ...untracked]) {
      const read = isSpecial(path) ? undefined : readContent(this.#place(path));
      if (read === undefined) return undefined;
      const { mode, seen, content } = read;
      files.set(path, { mode, seen, id: await this.#options.writer.blob(content) });
    }
    if (files.size + deleted.length > 0) this.#isAhead = true;
    for (const path of deleted) staged.drop(path);
    for (const [path, file] of files) staged.put(path, file);
    return staged.write(this.#options.writer);
  }

  /** Stages regular files that choo has written, whose blobs are in the repository. False: git must. */
  stageWritten(paths: Iterable<string>): boolean {
    if (this.#staged === undefined) return false;
    for (const path of paths) {
      const bytes = encodeName(path).toString('latin1');
      const read = readContent(this.#place(bytes));
      if (read === undefined) throw new ChooError('conflict', `\`${path}\` cannot be read any more`);
      const { mode, seen, content } = read;
      this.#staged.put(bytes, { mode, seen, id: objectId('blob', content, this.#options.objectFormat) });
      this.#isAhead = true;
    }
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ignores[Symbol.asyncDispose]();
  }

  async #write(file: string): Promise<boolean> {
    if (this.#staged === undefined) return false;
    await writeFile(file, formatIndex(this.#staged.files(), this.#options.objectFormat));
    return true;
  }

  #place(path: string): Buffer {
    return Buffer.from(`${Buffer.from(this.#options.git.directory).toString('latin1')}/${path}`, 'latin1');
  }
}

/** Attributes can change what git stores of a file. */
function isSpecial(path: string): boolean {
  return /(?:^|\/)\.gitattributes$/i.test(path);
}

/** Files of a repository with further rules for the worktrees. */
function hasMoreRules(repository: string): boolean {
  return ['exclude', 'attributes'].some((name) => existsSync(join(repository, 'info', name)));
}

/** The lines of a repository's settings that change nothing of how files are read and compared. */
const PLAIN_SETTINGS = new Set([
  '',
  '[core]',
  '[receive]',
  '[extensions]',
  'bare = true',
  'filemode = true',
  'sharedrepository = 0644',
  'repositoryformatversion = 0',
  'repositoryformatversion = 1',
  'denynonfastforwards = true',
  'objectformat = sha1',
  'objectformat = sha256',
]);

function isPlainRepository(repository: string): boolean {
  try {
    const lines = readFileSync(join(repository, 'config'), 'utf8').split('\n');
    return lines.every((line) => PLAIN_SETTINGS.has(line.trim().toLowerCase()));
  } catch {
    return false;
  }
}
