import type { Command } from 'commander';
import { renameNotice } from '../config/renamed-settings.ts';
import { readOldNames } from '../config/settings.ts';
import { ChooError } from '../errors.ts';
import type { Terminal } from './terminal.ts';

/**
 * Says, before a command does anything, which old names it was called with, and gives it the value of an option's old name
 * under the new one. Throws a ChooError (`usage`) where both are given and differ.
 */
export function replaceOldNames(command: Command, { notice }: Pick<Terminal, 'notice'>): void {
  const settings = command.name() === 'serve' ? [] : readOldNames(); // a server logs them
  for (const rename of settings) notice(`choo: ${renameNotice(rename)}\n`);
  const { forceTaskProvider, forceProvider } = command.opts<{
    forceTaskProvider?: string;
    forceProvider?: string;
  }>();
  if (forceTaskProvider === undefined) return;
  const rename = { old: '--force-task-provider', name: '--force-provider' };
  if (forceProvider !== undefined && forceProvider !== forceTaskProvider)
    throw new ChooError('usage', `${rename.name} and ${rename.old}, its old name, have different values`, {
      hint: `leave out ${rename.old}`,
    });
  notice(`choo: ${renameNotice(rename)}\n`);
  command.setOptionValue('forceProvider', forceTaskProvider);
}
