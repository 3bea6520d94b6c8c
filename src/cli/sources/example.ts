import { Command, Option } from 'commander';
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FORMATS, type FormatName } from '../../discovery/formats/formats.ts';
import { ChooError } from '../../errors.ts';
import { openGit } from '../../git/git.ts';
import type { CommandContext } from '../context.ts';
import { exampleConfig, exampleList } from './example-lists.ts';

const SOURCE = fileURLToPath(new URL('../../../example', import.meta.url));

/** `choo example`: a small real project in a repository of its own. */
export function exampleCommand({ terminal, settings, cwd, programName, finish }: CommandContext): Command {
  return new Command('example')
    .summary('create a small project to try choo on')
    .description('Creates a directory with the example project, committed in its own git repository.')
    .argument('<directory>', 'a new or empty directory')
    .addOption(
      new Option('--format <tool>', 'with the task list of another tool instead of specs of choo').choices([
        ...Object.keys(FORMATS),
        'speckit',
      ]),
    )
    .action(async (name: string, { format }: { readonly format?: FormatName | 'speckit' }) => {
      const directory = resolve(cwd, name);
      const there = statSync(directory, { throwIfNoEntry: false });
      if (there !== undefined && (!there.isDirectory() || readdirSync(directory).length > 0)) {
        throw new ChooError('conflict', `\`${name}\` exists and is not an empty directory`, {
          hint: 'name a directory that does not exist yet',
        });
      }
      mkdirSync(directory, { recursive: true });
      cpSync(SOURCE, directory, { recursive: true });
      if (format !== undefined) {
        const from = format === 'speckit' ? 'spec-kit' : format;
        const { path, text } = await exampleList(SOURCE, from);
        rmSync(join(directory, 'specs'), { recursive: true });
        mkdirSync(dirname(join(directory, path)), { recursive: true });
        writeFileSync(join(directory, path), text);
        writeFileSync(join(directory, '.choo.yml'), exampleConfig(SOURCE, from));
      }
      const git = openGit(directory, settings().PATH);
      await git.run('init', '--quiet', '--initial-branch=main');
      await git.run('add', '--all');
      await git.run('commit', '--quiet', '--message=Start the example project');
      terminal.out(`${directory}\n`);
      terminal.notice(
        `A repository with three units in two waves.\nNext: \`${programName} plan ${name}\`, then \`${programName} run ${name}\`\n`,
      );
      finish(0);
    });
}
