import { z } from 'zod';

/** A shell command in a configuration. */
export const shellCommand = (description: string) =>
  z
    .string({ error: 'a shell command' })
    .refine((text) => text.trim() !== '' && !text.includes('\0'), 'a shell command that is not empty')
    .describe(description);
