import { z } from 'zod';
import { glob } from '../glob-schema.ts';
import { PROTECTION_LEVELS } from './entry.ts';

/** The rules of a repository about what agents may not change. */
export const protectRules = z
  .array(
    z.strictObject(
      {
        paths: z
          .array(glob, { error: 'a list of glob patterns' })
          .min(1, 'a list of glob patterns')
          .max(100, 'a list of at most 100 glob patterns')
          .describe(
            'Globs relative to the project directory; each holds for everything below a directory, too, and for names with a leading dot.',
          ),
        level: z
          .enum(PROTECTION_LEVELS, { error: 'restore, ask or tell' })
          .describe(
            'What happens with a change by an agent: it is put back (`restore`); the unit ends as *needs human* with its work in a draft (`ask`); it is listed (`tell`). `ask` and `tell` hold for files that exist at the base.',
          ),
      },
      { error: 'a mapping: lines of `key: value`' },
    ),
    { error: 'a list of rules, each with `paths` and `level`' },
  )
  .max(100, 'a list of at most 100 rules')
  .default([])
  .describe(
    'What agents may not change, besides what choo protects anyway. The first rule that fits a path holds for it, also where it is milder than the defaults; nothing makes the specs, `.choo.yml`, git and agent settings changeable.',
  )
  .meta({ examples: [[{ paths: ['db/migrations'], level: 'ask' }]] });
