import { z } from 'zod';
import { MAX_PATTERN, readGlob } from './glob.ts';

/** A glob pattern in a configuration. */
export const glob = z
  .string({ error: 'a glob pattern' })
  .meta({ minLength: 1, maxLength: MAX_PATTERN })
  .superRefine((text, context) => {
    const read = readGlob(text);
    if ('fault' in read) context.addIssue({ code: 'custom', message: read.fault });
  });
