import { z } from 'zod';
import { faultOfName } from '../control-variables.ts';

const MAX_VARIABLES = 100;
const MAX_LENGTH = 4_096;
const A_VALUE = `a text of at most ${MAX_LENGTH} characters; numbers, true and false in quotes`;

/** The key `env`. Everybody who reads the repository reads the values. */
export const variables = z
  .record(
    z.string(),
    z
      .string({ error: A_VALUE })
      .refine((text) => text.length <= MAX_LENGTH && !text.includes('\0'), A_VALUE)
      .describe('The value of one variable.'),
    { error: 'a mapping: lines of `NAME: value`' },
  )
  .superRefine((record, context) => {
    const names = Object.keys(record);
    if (names.length > MAX_VARIABLES)
      context.addIssue({ code: 'custom', message: `at most ${MAX_VARIABLES} variables` });
    for (const name of names) {
      const fault = faultOfName(name);
      if (fault !== undefined)
        context.addIssue({ code: 'custom', path: [name], message: `another name: \`${name}\` ${fault}` });
    }
  })
  .default({})
  .describe(
    'Variables of gates, baseline checks and set-up commands, by name. They are public, as all of this file is: no secrets. Agents do not get them.',
  )
  .meta({ examples: [{ TZ: 'UTC', DATABASE_URL: 'postgres://localhost/test' }] });
