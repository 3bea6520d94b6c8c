import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check, type Parameters } from 'recheck';
import manifest from '../../node_modules/recheck/package.json' with { type: 'json' };

/** Beside what else can be made again: it goes with the packages, and CI has none. */
const FILE = fileURLToPath(new URL('../../node_modules/.cache/safe-expressions.json', import.meta.url));

/** Expressions that were found safe before, each as a hash of it, of the search and of the version that searched. */
const known = new Set(readKnown());
/** Those that were asked about since. */
const asked = new Set<string>();

/** What is wrong with an expression; undefined: no text keeps it busy. A search takes a tenth of a second, once. */
export async function judge(source: string, flags: string, search: Parameters): Promise<string | undefined> {
  const text = JSON.stringify([source, flags, search, manifest.version]);
  const key = createHash('sha256').update(text).digest('base64url');
  asked.add(key);
  if (known.has(key)) return undefined;
  const found = await check(source, flags, search);
  if (found.status === 'safe') known.add(key);
  return found.status === 'vulnerable'
    ? found.complexity.summary
    : found.status === 'safe'
      ? undefined
      : found.error.kind;
}

/** Keeps what was found safe for the next run, and forgets expressions that were not asked about. */
export function keepVerdicts(): void {
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, JSON.stringify([...known].filter((key) => asked.has(key))));
}

function readKnown(): readonly string[] {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as readonly string[];
  } catch {
    return [];
  }
}
