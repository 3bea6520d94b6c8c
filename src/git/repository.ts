import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ChooError } from '../errors.ts';
import type { Branches } from './branches.ts';
import { type Git, openGit } from './git.ts';
import { LfsContents } from './lfs/lfs-contents.ts';
import { LocalBranches } from './local-branches.ts';
import {
  commitAgain,
  type CommitFacts,
  commitText,
  OWN_SIGNATURE,
  type Signature,
} from './objects/commit.ts';
import type { ObjectPlace } from './objects/loose-object.ts';
import { ObjectReader } from './objects/object-reader.ts';
import { ObjectWriter } from './objects/object-writer.ts';
import { ModuleCopies } from './submodules/module-copies.ts';
import { Views } from './views.ts';

/** The directories of a user's repository. Absolute paths. */
export interface RepositoryPaths {
  /** The directory shared by all its worktrees; usually `.git`. */
  readonly commonDirectory: string;
  readonly objects: string;
  readonly objectFormat: string;
  /** Path from the repository's root to the requested directory; empty, or ending in a slash. */
  readonly prefix: string;
}

/** Finds the repository around a directory. Throws a ChooError (`usage`) when there is none. */
export async function findRepository(directory: string, searchPath: string): Promise<RepositoryPaths> {
  const git = openGit(directory, searchPath);
  const options = ['--git-common-dir', '--git-path', 'objects', '--show-object-format', '--show-prefix'];
  const answer = await git.run('rev-parse', '--path-format=absolute', ...options).catch((cause: unknown) => {
    throw new ChooError('usage', `\`${directory}\` is not in a git repository that choo can read`, {
      hint: cause instanceof ChooError ? cause.message : 'run `git init` and commit your specs',
      cause,
    });
  });
  const [commonDirectory = '', objects = '', objectFormat = '', prefix = '', ...more] = answer.split('\n');
  if (more.length !== 1)
    throw new ChooError('usage', `the path of the repository around \`${directory}\` has a line end in it`);
  return { commonDirectory, objects, objectFormat, prefix };
}

/** No views are made of a larger user's repository, since the first view copies its packs. Bytes. */
const MAX_VIEWED_BYTES = 256 * 1024 * 1024;

/**
 * The bare repository in the data directory that choo uses instead of a user's `.git`, without hooks, settings, branches
 * or remotes. Worktrees belong to it, and sandboxes see it. Its objects are the user's repository's, or fetched from a
 * remote. Results go to branches there; nothing else there is changed.
 */
export class Repository implements AsyncDisposable {
  /** git in the bare repository. */
  readonly git: Git;
  readonly reader: ObjectReader;
  readonly writer: ObjectWriter;
  /** Where objects are read and written. */
  readonly objects: string;
  /** The directory of what its set-ups left behind, and those of all repositories on this machine. */
  readonly prepared: { readonly directory: string; readonly others: () => Promise<readonly string[]> };
  /** The directory of this repository's worktrees. */
  readonly worktrees: string;
  /** What a sandbox must be able to read for git to work in a worktree that is not isolated. */
  readonly readable: readonly string[];
  /** For isolated worktrees; undefined when a user's repository is too large to be packed again. */
  readonly views: Views | undefined;
  readonly branches: Branches;
  /** Its submodules. */
  readonly moduleCopies: ModuleCopies;
  /** The contents of its files of Git LFS. */
  readonly lfs: LfsContents;
  readonly #searchPath: string;
  readonly #signature: Signature;

  private constructor(parts: Parts, searchPath: string, signature = OWN_SIGNATURE) {
    this.git = parts.git;
    this.reader = parts.reader;
    this.writer = parts.writer;
    this.objects = parts.objects;
    this.worktrees = parts.worktrees;
    const home = dirname(parts.worktrees);
    this.prepared = {
      directory: join(home, PREPARED),
      others: async () => (await readdir(dirname(home))).map((name) => join(dirname(home), name, PREPARED)),
    };
    this.moduleCopies = new ModuleCopies(join(home, MODULES), searchPath);
    this.lfs = new LfsContents(join(home, LFS));
    this.readable = parts.readable;
    this.views = parts.views;
    this.branches = parts.branches;
    this.#searchPath = searchPath;
    this.#signature = signature;
  }

  /** Opens choo's repository for a user's one, created on first use in `home` (see {@link repositoryHome}). */
  static async open(paths: RepositoryPaths, home: string, searchPath: string): Promise<Repository> {
    const bare = cacheDirectory(home);
    const worktrees = await openHome(home);
    await makeBare(bare, paths, searchPath);
    // A shallow clone's history ends where its file `shallow` says.
    await replaceFile(join(bare, 'shallow'), await readText(join(paths.commonDirectory, 'shallow')));
    const { commonDirectory, objects } = paths;
    const git = openGit(bare, searchPath, { gitDirectory: bare, objects });
    const user = openGit(commonDirectory, searchPath, { gitDirectory: commonDirectory });
    const directories = await objectDirectories(objects);
    const isSmall = (await packedBytes(directories)) <= MAX_VIEWED_BYTES;
    const views = {
      gitDirectory: bare,
      objects,
      home: viewsDirectory(home),
      searchPath,
      mayLackObjects: true,
    };
    return new Repository(
      {
        ...openObjects(git, home, paths),
        objects,
        worktrees,
        readable: [bare, ...directories],
        views: isSmall ? new Views(views) : undefined,
        branches: new LocalBranches(user),
      },
      searchPath,
    );
  }

  /** Opens choo's copy of a remote, created on first use. Fetches nothing. */
  static async openRemote(home: string, searchPath: string, branches: Branches): Promise<Repository> {
    const bare = cacheDirectory(home);
    const worktrees = await openHome(home);
    await makeBare(bare, undefined, searchPath);
    const git = openGit(bare, searchPath, { gitDirectory: bare });
    const objects = join(bare, 'objects');
    const viewOptions = { gitDirectory: bare, objects, home: viewsDirectory(home), searchPath };
    const views = new Views({ ...viewOptions, mayLackObjects: false });
    const parts = {
      ...openObjects(git, home, { objects, objectFormat: 'sha1' }),
      objects,
      worktrees,
      readable: [bare],
      views,
    };
    return new Repository({ ...parts, branches }, searchPath);
  }

  /** Packs loose objects when there are many. Keeps unreferenced ones for two weeks: a worker may be about to use them. */
  async pack(): Promise<void> {
    const settings = {
      'gc.auto': '3000',
      'gc.autoPackLimit': '30',
      'gc.pruneExpire': '2.weeks.ago',
      'gc.autoDetach': 'false', // older versions of git do not know the option
    };
    const git = openGit(this.git.directory, this.#searchPath, { gitDirectory: this.git.directory, settings });
    await git.run('gc', '--auto', '--quiet');
  }

  /** The same repository, whose commits have another signature. Dispose of this one only. */
  signedBy(signature: Signature): Repository {
    return new Repository(this, this.#searchPath, signature);
  }

  /** Writes a commit; returns its id. It is on no branch. */
  async commit(facts: CommitFacts): Promise<string> {
    return this.writer.commit(commitText(facts, this.#signature));
  }

  /** Writes a commit again on another parent, with the tree that it has there; returns its id. It is on no branch. */
  async commitAgain(commit: string, at: { readonly tree: string; readonly parent: string }): Promise<string> {
    const [content] = await this.reader.contents([commit]);
    if (content === undefined) throw new ChooError('git', `there is no commit ${commit}`);
    return this.writer.commit(commitAgain(content, at, this.#signature));
  }

  async branchHead(branch: string): Promise<string | undefined> {
    return this.branches.head(branch);
  }

  async branchHeads(below: string, signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
    return this.branches.heads(below, signal);
  }

  async publish(branch: string, head: string, expected: string | undefined): Promise<void> {
    return this.branches.publish(branch, head, expected);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [this.reader, this.writer, this.branches].map(async (part) => part[Symbol.asyncDispose]?.()),
    );
  }
}

type Parts = Pick<
  Repository,
  'git' | 'reader' | 'writer' | 'objects' | 'worktrees' | 'readable' | 'views' | 'branches'
>;

function openObjects(git: Git, home: string, place: ObjectPlace): Pick<Parts, 'git' | 'reader' | 'writer'> {
  const reader = new ObjectReader(git);
  const writer = new ObjectWriter(git, { ...place, scratch: scratchDirectory(home), reader });
  return { git, reader, writer };
}

/** In a repository's directory: what its set-ups left behind, on the file system of its worktrees. */
export const PREPARED = 'prepared';

const [MODULES, LFS] = ['modules', 'lfs'] as const;
/** In a repository's directory: copies of its submodules, and contents of its files of Git LFS. */
export const FETCHED: readonly string[] = [MODULES, LFS];

/** Creates the directory of one repository, closed to other users. Returns the directory for worktrees. */
async function openHome(home: string): Promise<string> {
  const worktrees = join(home, 'worktrees');
  await mkdir(dirname(home), { recursive: true, mode: 0o755 });
  await mkdir(home, { recursive: true, mode: 0o700 });
  await chmod(home, 0o700); // older versions left it open
  await mkdir(worktrees, { recursive: true, mode: 0o755 });
  return worktrees;
}

/** The directory below choo's data directory for one user's repository. */
export function repositoryHome(dataDirectory: string, { commonDirectory }: RepositoryPaths): string {
  const name =
    basename(commonDirectory) === '.git' ? basename(dirname(commonDirectory)) : basename(commonDirectory);
  const hash = createHash('sha256').update(commonDirectory).digest('hex').slice(0, 12);
  return join(dataDirectory, 'repositories', `${name.replaceAll(/[^A-Za-z0-9._-]/g, '-')}-${hash}`);
}

/** choo's bare repository, in the directory of one user's repository or remote. */
export function cacheDirectory(home: string): string {
  return join(home, 'cache.git');
}

/** The directory of its views. */
function viewsDirectory(home: string): string {
  return join(home, 'views');
}

/** The directory for temporary files of runs. It may be removed while no run is active. */
export function scratchDirectory(home: string): string {
  return join(home, 'scratch');
}

/** Creates the bare repository if missing, with the objects and object format of `user`, or else its own. */
async function makeBare(
  bare: string,
  user: Pick<RepositoryPaths, 'objects' | 'objectFormat'> | undefined,
  searchPath: string,
): Promise<void> {
  const alternates = user === undefined ? '' : `${user.objects}\n`;
  const objectFormat = user?.objectFormat ?? 'sha1';
  const config = await readText(join(bare, 'config'));
  const isSha256 = /^[ \t]*objectformat = sha256$/im.test(config);
  if (config !== '' && isSha256 === (objectFormat === 'sha256'))
    return replaceFile(join(bare, 'objects/info/alternates'), alternates);
  const draft = `${bare}.${randomUUID()}`;
  const options = ['--bare', '--quiet', '--template=', '--shared=0644', `--object-format=${objectFormat}`];
  await openGit(dirname(bare), searchPath, { gitDirectory: draft }).run('init', ...options);
  await mkdir(join(draft, 'objects/info'), { recursive: true });
  if (alternates !== '') await writeFile(join(draft, 'objects/info/alternates'), alternates);
  if (config !== '') await rm(bare, { recursive: true, force: true });
  await rename(draft, bare).catch(() => rm(draft, { recursive: true, force: true })); // another choo was first
}

/** Replaces a file atomically; removes it when the content is empty. */
async function replaceFile(path: string, content: string): Promise<void> {
  if ((await readText(path)) === content) return;
  if (content === '') return rm(path, { force: true });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content);
  await rename(draft, path);
}

async function packedBytes(directories: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const directory of directories.map((each) => join(each, 'pack')))
    for (const name of await readdir(directory).catch(() => []))
      bytes += (await stat(join(directory, name)).catch(() => ({ size: 0 }))).size;
  return bytes;
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** An object directory and its alternates. git follows five levels. */
async function objectDirectories(objects: string, depth = 0): Promise<readonly string[]> {
  const alternates = await readText(join(objects, 'info/alternates'));
  const lines = alternates.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const below = depth >= 5 ? [] : lines.map((line) => objectDirectories(resolve(objects, line), depth + 1));
  return [objects, ...(await Promise.all(below)).flat()];
}
