import { z } from 'zod';
import { glob } from '../glob-schema.ts';
import { relativePath } from '../relative-path.ts';
import { shellCommand } from './shell-command.ts';

const mapping = <S extends z.ZodRawShape>(shape: S) =>
  z.strictObject(shape, { error: 'a mapping: lines of `key: value`' });

const commandFields = (description: string) => ({
  command: shellCommand(description),
  if: relativePath.optional().describe('Run the command only when this file exists.'),
});
const inputs = z
  .array(glob, { error: 'a list of glob patterns' })
  .max(100, 'a list of at most 100 glob patterns')
  .optional()
  .describe(
    'The files that the command reads, as globs relative to the project directory, such as its lock file. What set-up leaves behind is reused where these are the same. Default: all files of the repository.',
  )
  .meta({ examples: [['package.json', 'package-lock.json']] });

/** The key `worktree`: what prepares worktrees. */
export const worktreeKeys = mapping({
  setup: z
    .array(
      mapping({
        ...commandFields('A shell command that prepares a new worktree, with network and without secrets.'),
        inputs,
      }),
      {
        error: 'a list of commands',
      },
    )
    .default([])
    .describe('Commands that prepare a new worktree before the first task, in order.')
    .meta({
      examples: [
        [{ command: 'npm ci', if: 'package-lock.json', inputs: ['package.json', 'package-lock.json'] }],
      ],
    }),
  teardown: z
    .array(mapping(commandFields('A shell command that cleans up.')), { error: 'a list of commands' })
    .default([])
    .describe('Commands that run before a worktree is removed, in order.')
    .meta({ examples: [[{ command: 'npm run clean', if: 'package.json' }]] }),
  relocatable: z
    .boolean({ error: 'true or false' })
    .default(false)
    .describe(
      'What set-up leaves behind works at any path, so that `--sandbox host` may copy it to other worktrees instead of running set-up again. In bubblewrap the path is the same in any case.',
    )
    .meta({ examples: [true] }),
})
  .prefault({})
  .describe('Commands that set up and clean up a worktree.');
