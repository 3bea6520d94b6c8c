import { open, readdir, realpath, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { ChooError } from '../../errors.ts';
import { findExecutable } from '../../system/executables.ts';
import { PROJECT } from '../sandbox.ts';
import type { Environment, Variables } from './registries.ts';
import { isShownAnyway } from './system-view.ts';
import { type Shown, TOOLCHAINS } from './toolchain-table.ts';

/** The tools outside the system that commands find. */
export interface Tools {
  /** Directories of programs, before those of the system on the PATH. */
  readonly path: readonly string[];
  readonly variables: Variables;
  readonly shown: readonly Shown[];
}

export const NO_TOOLS: Tools = { path: [], variables: {}, shown: [] };

/** Maximum programs of `~/.local/bin`. */
const MAX_PROGRAMS = 1_000;

/**
 * The toolchains that a PATH names, as people install them outside of `/usr`: what of them programs need, and nothing that may
 * hold a credential. A directory that no line of the table knows is not shown.
 */
export async function findToolchains(environment: Environment, home: string): Promise<Tools> {
  const directories = (environment['PATH'] ?? '').split(delimiter).filter((each) => isAbsolute(each));
  const path = new Map<string, number>();
  const variables: Record<string, string> = {};
  const shown = new Map<string, Shown>();
  for (const [index, written] of directories.entries()) {
    const directory = resolve(written);
    const real = await realpath(directory).catch(() => undefined);
    if (real === undefined || isShownAnyway(real) || path.has(real)) continue;
    for (const toolchain of TOOLCHAINS) {
      const root = await rootOf(toolchain, { environment, home, directory, real });
      if (root === undefined) continue;
      path.set(real, index);
      for (const part of toolchain.parts) await show(shown, { path: join(root, part) });
      for (const other of toolchain.others?.(environment, home) ?? []) await show(shown, other);
      Object.assign(variables, toolchain.variables?.(root, environment, home));
      break;
    }
  }
  const local = join(home, '.local/bin');
  if (directories.includes(local)) {
    for (const part of IN_LOCAL) await show(shown, { path: join(home, '.local/share', part) });
    for (const program of await programsOf(local, [...shown.keys()])) shown.set(program.path, program);
    path.set(local, directories.indexOf(local));
  }
  for (const name of CHOSEN) {
    const value = environment[name];
    if (value === undefined || value === '') continue;
    const isShown = isShownAnyway(value) || [...shown.keys()].some((each) => isIn(value, each));
    if (!isAbsolute(value) || isShown) variables[name] = value;
  }
  const inOrder = [...path].sort(([, a], [, b]) => a - b).map(([directory]) => directory);
  return { path: inOrder, variables, shown: [...shown.values()] };
}

/** Where uv and pipx put what `~/.local/bin` links to. */
const IN_LOCAL = ['uv/python', 'uv/tools', 'pipx/venvs'];

/** Variables that choose among what is shown: a version, or the directory of one. */
const CHOSEN = [
  'PYENV_VERSION',
  'RUSTUP_TOOLCHAIN',
  'GOTOOLCHAIN',
  'GOROOT',
  'JAVA_HOME',
  'GRADLE_HOME',
  'MAVEN_HOME',
  'ANDROID_HOME',
  'DOTNET_ROOT',
];

/** The real root of a toolchain that a directory of the PATH belongs to. */
async function rootOf(
  { roots }: (typeof TOOLCHAINS)[number],
  {
    environment,
    home,
    directory,
    real,
  }: {
    readonly environment: Environment;
    readonly home: string;
    readonly directory: string;
    readonly real: string;
  },
): Promise<string | undefined> {
  for (const root of roots(environment, home, real)) {
    if (!isAbsolute(root) || isIn(home, root)) continue; // it would show the home
    const realRoot = await realpath(root).catch(() => undefined);
    if (realRoot === undefined || isIn(home, realRoot) || realRoot === '/') continue;
    if (isIn(real, realRoot) || isIn(directory, root)) return realRoot;
  }
  return undefined;
}

async function show(shown: Map<string, Shown>, what: Shown): Promise<void> {
  const isThere = await stat(what.path).then(
    () => true,
    () => false,
  );
  if (isThere) shown.set(what.at ?? what.path, what);
}

/**
 * What of `~/.local/bin` is no text that a person wrote: compiled programs, and links into what is shown. Scripts there may hold
 * anything.
 */
async function programsOf(directory: string, shown: readonly string[]): Promise<readonly Shown[]> {
  const programs: Shown[] = [];
  const names = await readdir(directory).catch(() => []);
  for (const name of names.slice(0, MAX_PROGRAMS)) {
    const path = join(directory, name);
    const real = await realpath(path).catch(() => undefined);
    if (real === undefined) continue;
    const isShown = isShownAnyway(real) || shown.some((each) => isIn(real, each));
    if (isShown) programs.push({ path, linkTo: real });
    else if (await isCompiled(real)) programs.push({ path });
  }
  return programs;
}

async function isCompiled(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === '\u007fELF';
  } catch {
    return false;
  }
}

function isIn(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** What a server's operator, or a person beside the toolchains, shows by `CHOO_SANDBOX_READ` and `CHOO_SANDBOX_ENV`. */
export async function findChosen(
  {
    read,
    names,
    secrets,
  }: {
    readonly read: readonly string[];
    readonly names: readonly string[];
    readonly secrets: readonly string[];
  },
  environment: Environment,
): Promise<Tools> {
  const shown: Shown[] = [];
  for (const path of read) {
    const real = await realpath(path).catch(() => undefined);
    if (real === undefined)
      throw new ChooError('environment', `CHOO_SANDBOX_READ names \`${path}\`, which is not there`, {
        hint: 'name directories and files of this machine, separated by commas',
      });
    if (real === '/' || isIn(PROJECT, real) || isIn(real, PROJECT))
      throw new ChooError(
        'environment',
        `CHOO_SANDBOX_READ names \`${path}\`, which would cover the sandbox`,
        {
          hint: 'name a directory of tools',
        },
      );
    if (!isShownAnyway(real)) shown.push({ path: real });
  }
  const directories = (environment['PATH'] ?? '').split(delimiter);
  const path: string[] = [];
  for (const directory of directories) {
    const real = await realpath(directory).catch(() => undefined);
    if (real !== undefined && shown.some((each) => isIn(real, each.path))) path.push(real);
  }
  const set = names.flatMap((name) => {
    const value = environment[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  const secret = set.find(([, value]) => secrets.includes(value));
  if (secret !== undefined)
    throw new ChooError(
      'environment',
      `CHOO_SANDBOX_ENV names ${secret[0]}, whose value is a secret of choo`,
      {
        hint: 'agents see what it names: leave it out',
      },
    );
  return { path, variables: Object.fromEntries(set), shown };
}

/** Both; what the second one says of a variable counts. */
export function joinTools(a: Tools, b: Tools): Tools {
  return {
    path: [...new Set([...b.path, ...a.path])],
    variables: { ...a.variables, ...b.variables },
    shown: [...a.shown, ...b.shown],
  };
}

/**
 * What tells that the tools are still the same: the names and times of what stands in each shown directory. Which version a
 * shim starts is decided there.
 */
export async function describeTools({ path, variables, shown }: Tools): Promise<unknown> {
  const facts = await Promise.all(
    shown.map(async ({ path: each, at, linkTo }) => {
      const names: string[] = await readdir(each).catch(() => []);
      names.sort();
      const paths = [each, ...names.slice(0, MAX_PROGRAMS).map((name) => join(each, name))];
      const times = await Promise.all(
        paths.map(async (one) =>
          stat(one).then(
            ({ mtimeMs, size }) => [one, mtimeMs, size],
            () => [one],
          ),
        ),
      );
      return [each, at, linkTo, times];
    }),
  );
  return [path, variables, facts];
}

/** How bash and sh say that they do not find a program. */
const NOT_FOUND = /(?:^|\n)\S{1,200}: (?:line )?(?:[0-9]{1,9}: )?([\w./+-]{1,200}): (?:command )?not found/;

/** Why a program is not found inside: where it is on this machine, and how it is shown. */
export function explainMissing(
  output: string,
  { searchPath, tools }: { readonly searchPath: string; readonly tools: Tools },
): string {
  const [, name] = NOT_FOUND.exec(output) ?? [];
  const more = tools.path.length === 0 ? '' : `, and of ${tools.path.join(', ')}`;
  const shows = `the sandbox shows the programs of /usr, of the Node that runs choo${more}`;
  const found = name === undefined ? undefined : findExecutable(name, searchPath)?.path;
  if (found !== undefined)
    return `\`${name}\` is at ${found} on this machine, and ${shows}: CHOO_SANDBOX_READ shows more`;
  const what = name === undefined ? 'the program' : `\`${name}\``;
  return `${what} is not on the PATH of this machine either: ${shows}. Install it there, or let set-up install it below the project or its home`;
}
