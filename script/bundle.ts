/**
 * Makes one program of few files out of `src` and the packages it imports, and prints its path. It starts in half the time:
 * Node has hundreds of files less to find, to read and to strip of types. `script/choo` runs it as long as `script/sources`
 * prints the name that it was made under, and the sources otherwise. A second call does nothing. Where `script/sources` knows
 * no name the program is the sources, and nothing is made.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'rolldown';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUNDLES = join(ROOT, 'node_modules/.cache/choo');
/** How many older ones stay: a server may still run from one. */
const KEPT = 3;

/** A file that `src` names by its place. */
const PLACE = /new URL\('([^']+)', import\.meta\.url\)/g;

/** Other programs of choo (processes, threads) become files of the bundle; what else `src` names stays where it is. */
const places: Plugin = {
  name: 'places',
  transform: {
    filter: { id: /\/src\/.*\.ts$/, code: PLACE },
    handler(code, id) {
      const replaced = code.replaceAll(PLACE, (_, place: string) => {
        const path = resolve(dirname(id), place);
        const fileName = relative(join(ROOT, 'src'), path).replaceAll('/', '-').replace(/\.ts$/, '.js');
        if (path.endsWith('.ts')) this.emitFile({ type: 'chunk', id: path, fileName });
        const target = path.endsWith('.ts') ? fileName : relative(join(BUNDLES, 'name'), path);
        return `new URL('${target}', import.meta.url)`;
      });
      return { code: replaced, map: null }; // all lines stay where they are
    },
  },
};

const name = execFileSync(join(ROOT, 'script/sources'), { encoding: 'utf8' }).trim();
const bundle = join(BUNDLES, name);
if (name !== 'unknown' && !existsSync(bundle)) await make();
process.stdout.write(`${name === 'unknown' ? join(ROOT, 'src/cli/cli.ts') : join(bundle, 'cli.js')}\n`);

async function make(): Promise<void> {
  const { rolldown } = await import('rolldown'); // takes 0.2 s to load
  await mkdir(BUNDLES, { recursive: true });
  await removeOld();
  const draft = await mkdtemp(`${bundle}-`);
  try {
    const build = await rolldown({
      cwd: ROOT,
      input: { cli: 'src/cli/cli.ts' },
      platform: 'node',
      plugins: [places],
      onLog: (level, log, defaultHandler) => {
        if (log.code !== 'EVAL') defaultHandler(level, log); // a package's way around bundlers
      },
    });
    await build.write({ dir: draft, format: 'esm', keepNames: true, sourcemap: true });
    await build.close();
    await rename(draft, bundle).catch((error: unknown) => {
      if (!existsSync(bundle)) throw error; // else another call was faster
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function removeOld(): Promise<void> {
  const paths = (await readdir(BUNDLES)).map((entry) => join(BUNDLES, entry));
  const byAge = await Promise.all(paths.map(async (path) => ({ path, made: (await stat(path)).mtimeMs })));
  for (const { path } of byAge.sort((a, b) => b.made - a.made).slice(KEPT))
    await rm(path, { recursive: true, force: true });
}
