import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config, ProviderName } from '../../config/schema.ts';
import { ChooError } from '../../errors.ts';
import { createProvider } from '../../provider/by-name.ts';
import { findExecutable } from '../../system/executables.ts';
import { escapeHiddenInJson } from '../../text/hidden-text.ts';

/** What a repository has started with the key of the one who runs it, in another way than the provider's own. */
interface OwnCommand {
  readonly provider: string;
  /** As a person reads it; safe on a terminal. */
  readonly words: string;
  /** What stands for it in {@link ALLOWED} and in CHOO_ALLOWED_COMMANDS. */
  readonly hash: string;
}

/** The file of the data directory that remembers what was allowed, a hash a line. */
const ALLOWED = 'allowed-commands';

/**
 * Asks once whether what a repository's configuration starts as the CLI of one of these providers, and with which arguments, may
 * have their keys. An agent of a repository that was just cloned would otherwise be any program. Throws a ChooError (`usage`)
 * for what nobody allowed.
 */
export async function allowOwnCommands(
  config: Pick<Config, 'provider'>,
  {
    providers,
    searchPath,
    dataDirectory,
    allowed,
    ask,
  }: {
    /** Those that the run uses. */
    readonly providers: ReadonlySet<string>;
    readonly searchPath: string;
    readonly dataDirectory: string;
    /** Hashes that are allowed without being asked for. */
    readonly allowed: readonly string[];
    /** Undefined without a terminal. */
    readonly ask: ((question: string) => Promise<boolean>) | undefined;
  },
): Promise<void> {
  const file = join(dataDirectory, ALLOWED);
  const remembered = await readFile(file, 'utf8').catch(() => '');
  const known = new Set([...allowed, ...remembered.split('\n')]);
  for (const name of providers) {
    const own = await findOwnCommand(config, name, searchPath);
    if (own === undefined || known.has(own.hash)) continue;
    const { title } = createProvider(name);
    const what = `\`.choo.yml\` has ${own.words} started as ${title}, with your key`;
    if (await ask?.(`${what}. Allow this from now on? [y/N] `)) {
      await mkdir(dataDirectory, { recursive: true, mode: 0o755 });
      await appendFile(file, `${own.hash}\n`, { mode: 0o600 });
      continue;
    }
    throw new ChooError('usage', `${what}, which nobody allowed on this machine`, {
      hint: `read it; then allow it at a terminal, or with CHOO_ALLOWED_COMMANDS=${own.hash}`,
    });
  }
}

/**
 * Undefined: the provider is started as it is, or what should be started is not there.
 *
 * @internal
 */
export async function findOwnCommand(
  config: Pick<Config, 'provider'>,
  name: string,
  searchPath: string,
): Promise<OwnCommand | undefined> {
  const { command, args = [] } = config.provider.providers[name as ProviderName] ?? {};
  if (command === undefined && args.length === 0) return undefined;
  const { executable } = createProvider(name);
  const words = [command ?? executable, ...args];
  const found = findExecutable(command ?? executable, searchPath);
  if (found === undefined) return undefined;
  // Who can write a repository can write a program in it, and another one later.
  const content = command?.includes('/') === true ? await hashOf(found.path) : '';
  return {
    provider: name,
    words: escapeHiddenInJson(words.map((word) => JSON.stringify(word)).join(' ')),
    hash: createHash('sha256')
      .update(JSON.stringify([name, words, content]))
      .digest('hex')
      .slice(0, 16),
  };
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
