import { appendFile, cp, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { writeFiles } from '../helpers/git-repository.ts';
import { runProgram } from '../helpers/run-choo.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** When a source says that it was written. Seconds. */
const OLD = 1_000_000_000;

/** A program that says which of its files it was started from, with a thread and a file beside its sources. */
const CLI = `import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { word } from '../word.ts';
const beside: string = readFileSync(new URL('../../beside.txt', import.meta.url), 'utf8');
const from = import.meta.url.endsWith('.ts') ? 'sources' : 'bundle';
new Worker(new URL('../thread.ts', import.meta.url)).on('message', (its) => console.log(from, word, beside, its));
`;
const THREAD = `import { parentPort } from 'node:worker_threads';
import { word } from './word.ts';
parentPort?.postMessage(\`\${import.meta.url.endsWith('.ts') ? 'thread of sources' : 'bundled thread'} \${word}\`);
`;

/** A checkout of a small choo, its packages installed. */
async function makeCheckout() {
  const place = await temporaryDirectory();
  await writeFiles(place.path, {
    'src/cli/cli.ts': CLI,
    'src/thread.ts': THREAD,
    'src/word.ts': "export const word: string = 'one';\n",
    'src/other.ts': '',
    'beside.txt': 'beside',
    'package.json': '{ "type": "module" }\n',
    'package-lock.json': '{}\n',
    'node_modules/.choo-installed': '{}\n',
    'node_modules/.package-lock.json': '{}\n',
  });
  await mkdir(join(place.path, 'script'));
  for (const name of ['choo', 'bootstrap', 'sources', 'bundle.ts'])
    await cp(join(ROOT, 'script', name), join(place.path, 'script', name));
  await utimes(join(place.path, 'src/word.ts'), OLD, OLD);
  await symlink(join(ROOT, 'node_modules/rolldown'), join(place.path, 'node_modules/rolldown'));
  const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  return {
    ...place,
    /** Runs a script; what it printed. */
    script: async (name: string) => {
      const outcome = await runProgram(place.path, [join(place.path, 'script', name)], { PATH });
      expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
      return outcome.stdout.trim();
    },
  };
}

describe.concurrent('the bundle', () => {
  test('runs while the sources are those that it was made of, threads included', async () => {
    await using place = await makeCheckout();
    expect(await place.script('choo')).toBe('sources one beside thread of sources one');
    expect(await place.script('bootstrap')).toBe('');
    expect(await place.script('choo')).toBe('bundle one beside bundled thread one');
    await writeFile(join(place.path, 'src/word.ts'), "export const word = 'two';\n");
    expect(await place.script('choo')).toBe('sources two beside thread of sources two');
    await place.script('bootstrap');
    expect(await place.script('choo')).toBe('bundle two beside bundled thread two');
  });

  test.each<readonly [string, (root: string) => Promise<void>]>([
    ['is written', async (root) => appendFile(join(root, 'src/word.ts'), '\n')],
    [
      'is written, with size and time as before',
      async (root) => {
        const path = join(root, 'src/word.ts');
        await writeFile(path, "export const word: string = 'two';\n");
        await utimes(path, OLD, OLD);
      },
    ],
    ['is replaced', async (root) => rename(join(root, 'src/other.ts'), join(root, 'src/word.ts'))],
    ['is added', async (root) => writeFile(join(root, 'src/cli/new.ts'), '')],
    ['is removed', async (root) => rm(join(root, 'src/other.ts'))],
    ['of the packages changes', async (root) => appendFile(join(root, 'package-lock.json'), '\n')],
    [
      'of the packages is installed',
      async (root) => appendFile(join(root, 'node_modules/.package-lock.json'), '\n'),
    ],
  ])('is made under another name when a file %s', async (_, change) => {
    await using place = await makeCheckout();
    const name = await place.script('sources');
    expect(name).toMatch(/^[0-9a-f]{64}$/);
    expect(await place.script('sources')).toBe(name);
    await change(place.path);
    expect(await place.script('sources')).not.toBe(name);
  });
});
