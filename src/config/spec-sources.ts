import { z } from 'zod';
import { relativePath } from './relative-path.ts';

const source = z.strictObject(
  {
    from: z
      .enum(['openspec', 'spec-kit', 'kiro'], { error: 'openspec, spec-kit or kiro' })
      .describe('The tool whose task lists are read.'),
    path: relativePath
      .optional()
      .describe('The directory of its changes, features or specs. Default: where the tool keeps them.'),
  },
  { error: 'a mapping: lines of `key: value`' },
);

/** The key `specs`: task lists of other tools. One mapping is a list of one. */
export const specSources = z.preprocess(
  (value) => (value === undefined || value === null || Array.isArray(value) ? value : [value]),
  z
    .array(source, { error: 'a mapping with `from` and `path`, or a list of them' })
    .max(10, 'a list of at most 10 sources')
    .default([])
    .describe(
      'Task lists of other tools that are read beside `specs_dir`, as they are: one mapping or a list. See `docs/formats.md`.',
    )
    .meta({ examples: [[{ from: 'openspec', path: 'openspec/changes' }]] }),
);
