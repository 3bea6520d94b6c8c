import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findOwnCommand } from '../../src/cli/sources/own-commands.ts';

/** Does what a person does who lets a repository start this as the CLI of a provider. */
export async function allowCommand(
  dataDirectory: string,
  provider: string,
  settings: { readonly command?: string; readonly args?: string[] },
  searchPath = process.env['PATH'] ?? '',
): Promise<void> {
  const own = await findOwnCommand(
    { provider: { providers: { [provider]: settings } } },
    provider,
    searchPath,
  );
  await mkdir(dataDirectory, { recursive: true });
  await appendFile(join(dataDirectory, 'allowed-commands'), `${own?.hash ?? 'there is none'}\n`);
}
