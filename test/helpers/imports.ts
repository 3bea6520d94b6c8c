import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** One import of a source file; `type` ones are gone at run time. */
export interface Import {
  /** Path of the importing file below `src/`. */
  readonly from: string;
  /** Path of the imported file below `src/`, or the name of a package (`node:` included). */
  readonly to: string;
  readonly internal: boolean;
  readonly type: boolean;
}

// The formatter writes every import and re-export in one of these shapes; a dynamic import is one too.
const IMPORT =
  /^(?:import|export)\s+(type\s)?[^'"();]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;

/** Every source file below `src/`, by path, with its text. */
export function readSources(): ReadonlyMap<string, string> {
  const root = new URL('../../src/', import.meta.url).pathname;
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  return new Map(
    files.sort().map((path) => [path.split('\\').join('/'), readFileSync(join(root, path), 'utf8')]),
  );
}

/** The imports of one source file. */
export function findImports(from: string, text: string): readonly Import[] {
  return Array.from(text.matchAll(IMPORT), (match) => {
    const specifier = match[2] ?? match[3] ?? match[4] ?? '';
    const internal = specifier.startsWith('.');
    const path = posix.join(posix.dirname(from), specifier);
    return { from, to: internal ? path : packageName(specifier), internal, type: match[1] !== undefined };
  });
}

function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
