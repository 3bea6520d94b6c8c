import { z } from 'zod';

/** A path inside the repository: relative, forward slashes, no `..`, and no leading `-`, which would be an option. */
export const relativePath = z
  .string({ error: 'a path inside the repository' })
  .regex(
    /^(?!-)(?!\.{1,2}(?:\/|$))[^\0-\x1f\x7f\\/]+(?:\/(?!\.{1,2}(?:\/|$))[^\0-\x1f\x7f\\/]+)*$/,
    'a path inside the repository, relative to its root: forward slashes, none at either end, no `./` and no `..`',
  );
