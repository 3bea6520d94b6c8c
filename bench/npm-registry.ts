import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A registry of published npm packages on this machine, and a project that needs them. */
export interface NpmRegistry extends AsyncDisposable {
  /** The project's files: `package.json`, `package-lock.json` and `.npmrc`, which names this registry. */
  readonly files: Readonly<Record<string, string>>;
  /** How many packages the lock file names. */
  readonly packages: number;
  /** How often it was asked for something. */
  readonly requests: () => number;
}

interface LockedPackage {
  /** Where it is another package than its path says. */
  readonly name?: string;
  readonly version?: string;
  /** How this checkout needs it, which is not how the project does. */
  readonly dev?: boolean;
  readonly peer?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

type Locked = Readonly<Record<string, LockedPackage>>;

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Starts one with packages of this checkout's `node_modules`: each dependency that needs nothing for other platforms, with all that
 * it needs. `directory` is for their files.
 */
export async function startNpmRegistry(directory: string): Promise<NpmRegistry> {
  const { packages: locked } = JSON.parse(await readFile(join(CHECKOUT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Locked;
  };
  const root = locked[''] ?? {};
  const direct = Object.keys({ ...root.dependencies, ...root.devDependencies }).flatMap((name) => {
    const paths = closureOf(locked, name);
    return paths?.every((path) => existsSync(join(CHECKOUT, path))) ? [{ name, paths }] : [];
  });
  const paths = [...new Set(direct.flatMap((each) => each.paths))].sort();

  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    void readFile(join(directory, decodeURIComponent((request.url ?? '').slice(1)))).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  const packages: Record<string, unknown> = {};
  await mkdir(directory, { recursive: true });
  for (const [index, path] of paths.entries()) {
    const file = `${index}.tgz`;
    const from = join(CHECKOUT, path);
    const words = ['--exclude=./node_modules', '--transform=s,^\\.,package,', '--gzip', '--create'];
    await execa('tar', [...words, '--file', join(directory, file), '--directory', from, '.']);
    const hash = createHash('sha512').update(await readFile(join(directory, file)));
    const { dev: _dev, peer: _peer, ...entry } = locked[path] ?? {};
    packages[path] = { ...entry, resolved: `${url}${file}`, integrity: `sha512-${hash.digest('base64')}` };
  }
  const manifest = {
    name: 'fixture',
    version: '1.0.0',
    dependencies: Object.fromEntries(
      direct.map(({ name }) => [name, locked[`node_modules/${name}`]?.version ?? '*']),
    ),
  };
  const lock = { ...manifest, lockfileVersion: 3, requires: true, packages: { '': manifest, ...packages } };
  return {
    files: {
      'package.json': JSON.stringify(manifest, undefined, 2),
      'package-lock.json': JSON.stringify(lock, undefined, 2),
      '.npmrc': `registry=${url}\naudit=false\nfund=false\nupdate-notifier=false\n`,
    },
    packages: paths.length,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

/**
 * The paths of a package and all that it needs, as Node finds them from where each stands; undefined where this checkout leaves
 * something out.
 */
function closureOf(locked: Locked, name: string): readonly string[] | undefined {
  const found = new Set<string>();
  const open = [`node_modules/${name}`];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    const { name: alias, dependencies, optionalDependencies, peerDependencies } = locked[path] ?? {};
    if (alias !== undefined) return undefined; // what stands there is replaced in this checkout
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const at = find(locked, path, needed);
      if (at === undefined) return undefined;
      open.push(at);
    }
    for (const peer of Object.keys(peerDependencies ?? {})) {
      const at = find(locked, path, peer);
      if (at !== undefined) open.push(at);
    }
  }
  return [...found];
}

function find(locked: Locked, from: string, name: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
    if (Object.hasOwn(locked, path)) return path;
    if (at === '') return undefined;
  }
}
