import { z } from 'zod';
import { FORMATS, type FormatName } from '../discovery/formats/formats.ts';
import { relativePath } from './relative-path.ts';

const source = z.strictObject(
  {
    from: z
      .enum(['openspec', 'spec-kit', 'kiro', 'choo'], { error: 'openspec, spec-kit, kiro or choo' })
      .describe("The tool whose task lists are read; `choo`: another directory of choo's own specs."),
    path: relativePath
      .optional()
      .describe(
        'The directory of its changes, features or specs. Default: where the tool keeps them; for `choo` `specs_dir`.',
      ),
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
      'Task lists of other tools, or more directories of specs, that are read beside `specs_dir`, as they are: one mapping or a list. See `docs/formats.md`.',
    )
    .meta({ examples: [[{ from: 'openspec', path: 'openspec/changes' }]] }),
);

/** An entry of `specs`. */
export type SpecSource = z.output<typeof source>;

/** The directory of a source; `specsDir`: that of choo's own specs. */
export function sourceRoot({ from, path }: SpecSource, specsDir: string): string {
  return path ?? (from === 'choo' ? specsDir : FORMATS[from].standardPath);
}

/** All directories of specs, from the project directory, each once. */
export function specRoots({
  specs_dir,
  specs,
}: {
  readonly specs_dir: string;
  readonly specs: readonly SpecSource[];
}): readonly string[] {
  return [...new Set([specs_dir, ...specs.map((each) => sourceRoot(each, specs_dir))])];
}

/** Whether a source is of another tool. */
export function isOfFormat(each: SpecSource): each is SpecSource & { readonly from: FormatName } {
  return each.from !== 'choo';
}
