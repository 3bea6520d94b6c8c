import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ChooError } from '../errors.ts';
import { type Git, openGit } from './git.ts';
import { ObjectReader } from './object-reader.ts';
import { ObjectWriter } from './object-writer.ts';

/** Where a user's repository keeps its things. Absolute paths. */
export interface RepositoryPlace {
  /** The directory that all its worktrees share; `.git`, most of the time. */
  readonly commonDirectory: string;
  readonly objects: string;
  readonly objectFormat: string;
  /** From the repository's root to the directory that was asked about; empty, or with a slash at its end. */
  readonly prefix: string;
}

/** Finds the repository around a directory. Throws a ChooError (`usage`) when there is none. */
export async function findRepository(directory: string, searchPath: string): Promise<RepositoryPlace> {
  const git = openGit(directory, searchPath);
  const words = ['--git-common-dir', '--git-path', 'objects', '--show-object-format', '--show-prefix'];
  const answer = await git.run('rev-parse', '--path-format=absolute', ...words).catch((cause: unknown) => {
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

/**
 * What choo works on instead of the user's own `.git`: a bare repository of its own in the data directory, without hooks,
 * settings, branches or remotes, whose objects are the user's. Worktrees belong to it, sandboxes see it; the user's refs
 * are touched by {@link Repository.publish} alone.
 */
export class Repository implements AsyncDisposable {
  /** git in the bare repository; objects go to the user's. */
  readonly git: Git;
  readonly reader: ObjectReader;
  readonly writer: ObjectWriter;
  /** Where objects are read and written: the user's. */
  readonly objects: string;
  /** Where this repository's worktrees stand. */
  readonly worktrees: string;
  /** What a sandbox must be able to read for git to work in a worktree. */
  readonly readable: readonly string[];
  readonly #user: Git;

  private constructor(
    parts: Pick<Repository, 'git' | 'reader' | 'writer' | 'objects' | 'worktrees' | 'readable'> & {
      readonly user: Git;
    },
  ) {
    this.git = parts.git;
    this.reader = parts.reader;
    this.writer = parts.writer;
    this.objects = parts.objects;
    this.worktrees = parts.worktrees;
    this.readable = parts.readable;
    this.#user = parts.user;
  }

  /** Opens it, making it on first use. `home` is a directory for this repository alone; see {@link repositoryHome}. */
  static async open(place: RepositoryPlace, home: string, searchPath: string): Promise<Repository> {
    const bare = join(home, 'cache.git');
    const worktrees = join(home, 'worktrees');
    await mkdir(worktrees, { recursive: true, mode: 0o755 });
    await makeBare(bare, place, searchPath);
    // A shallow clone's history ends where its file `shallow` says.
    await replaceFile(join(bare, 'shallow'), await readText(join(place.commonDirectory, 'shallow')));
    const { commonDirectory, objects } = place;
    const git = openGit(bare, searchPath, { gitDirectory: bare, objects });
    return new Repository({
      git,
      reader: await ObjectReader.open(git),
      writer: new ObjectWriter(git, scratchDirectory(home)),
      objects,
      worktrees,
      readable: [bare, ...(await objectDirectories(objects))],
      user: openGit(commonDirectory, searchPath, { gitDirectory: commonDirectory }),
    });
  }

  /** Where the branches below a name stand. `below` ends in a slash. */
  async branchHeads(below: string): Promise<ReadonlyMap<string, string>> {
    const format = '--format=%(objectname) %(refname:lstrip=2)';
    const refs = await this.#user.run('for-each-ref', format, `refs/heads/${below}`);
    const lines = refs.split('\n').filter((line) => line !== '');
    return new Map(
      lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]),
    );
  }

  /** The commit a branch of the user's repository stands at; undefined: there is no such branch. */
  async branchHead(branch: string): Promise<string | undefined> {
    const ref = `refs/heads/${branch}`;
    const found = await this.#user.run('for-each-ref', '--format=%(refname) %(objectname)', ref);
    const line = found.split('\n').find((each) => each.startsWith(`${ref} `));
    return line?.slice(ref.length + 1);
  }

  /**
   * Moves a branch of the user's repository from the commit it must stand at (undefined: it must not be there yet) to
   * another. Nothing happens when it is there already. Throws a ChooError (`conflict`) when it stands elsewhere, or when
   * another branch leaves no room for its name.
   */
  async publish(branch: string, head: string, expected: string | undefined): Promise<void> {
    const old = expected ?? '0'.repeat(head.length);
    const words = ['--no-deref', '--create-reflog', '-m', 'choo'];
    try {
      await this.#user.run('update-ref', ...words, `refs/heads/${branch}`, head, old);
    } catch (cause) {
      if ((await this.branchHead(branch)) === head) return; // whoever moved it there: a crashed choo, most likely
      throw publishError(branch, expected, cause);
    }
  }

  /** Whether one commit is another, or one of its ancestors. */
  async isAncestor(ancestor: string, commit: string): Promise<boolean> {
    return ancestor === commit || (await this.git.ask('merge-base', '--is-ancestor', ancestor, commit)).yes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.reader[Symbol.asyncDispose](), this.writer[Symbol.asyncDispose]()]);
  }
}

/** The directory under choo's data directory that belongs to one repository of the user. */
export function repositoryHome(dataDirectory: string, { commonDirectory }: RepositoryPlace): string {
  const name =
    basename(commonDirectory) === '.git' ? basename(dirname(commonDirectory)) : basename(commonDirectory);
  const hash = createHash('sha256').update(commonDirectory).digest('hex').slice(0, 12);
  return join(dataDirectory, 'repositories', `${name.replaceAll(/[^A-Za-z0-9._-]/g, '-')}-${hash}`);
}

/** Where a run puts what nobody needs after it. It may be removed whole while no run is under way. */
export function scratchDirectory(home: string): string {
  return join(home, 'scratch');
}

function publishError(branch: string, expected: string | undefined, cause: unknown): unknown {
  const words = cause instanceof Error ? cause.message : '';
  const inTheWay = /'refs\/heads\/([^']+)' exists; cannot create/.exec(words)?.[1];
  if (inTheWay !== undefined) {
    return new ChooError('conflict', `the branch \`${inTheWay}\` leaves no room for \`${branch}\``, {
      hint: `rename it: \`git branch -m ${inTheWay} <new name>\``,
      cause,
    });
  }
  if (!/ but expected |reference already exists|unable to resolve reference/.test(words)) return cause;
  return new ChooError('conflict', `the branch \`${branch}\` is not where choo left it`, {
    hint: `expected ${expected ?? 'no such branch'}; look at it with \`git log ${branch}\``,
    cause,
  });
}

/** Makes the bare repository unless it is there, with objects of the same kind as the user's. */
async function makeBare(
  bare: string,
  { objects, objectFormat }: RepositoryPlace,
  searchPath: string,
): Promise<void> {
  const alternates = `${objects}\n`;
  const config = await readText(join(bare, 'config'));
  const isSha256 = /^\s*objectformat = sha256$/im.test(config);
  if (config !== '' && isSha256 === (objectFormat === 'sha256'))
    return replaceFile(join(bare, 'objects/info/alternates'), alternates);
  const draft = `${bare}.${randomUUID()}`;
  const words = ['--bare', '--quiet', '--template=', '--shared=0644', `--object-format=${objectFormat}`];
  await openGit(dirname(bare), searchPath, { gitDirectory: draft }).run('init', ...words);
  await mkdir(join(draft, 'objects/info'), { recursive: true });
  await writeFile(join(draft, 'objects/info/alternates'), alternates);
  if (config !== '') await rm(bare, { recursive: true, force: true });
  await rename(draft, bare).catch(() => rm(draft, { recursive: true, force: true })); // another choo was first
}

/** Gives a file this content in one step, whoever reads it meanwhile; no content: no file. */
async function replaceFile(path: string, content: string): Promise<void> {
  if ((await readText(path)) === content) return;
  if (content === '') return rm(path, { force: true });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content);
  await rename(draft, path);
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** An object directory and those it borrows from. git follows five levels. */
async function objectDirectories(objects: string, depth = 0): Promise<readonly string[]> {
  const alternates = await readText(join(objects, 'info/alternates'));
  const lines = alternates.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const below = depth >= 5 ? [] : lines.map((line) => objectDirectories(resolve(objects, line), depth + 1));
  return [objects, ...(await Promise.all(below)).flat()];
}
