import { z } from 'zod';

/** A whole number between these. */
export const count = (least: number, most: number) => {
  const error = `a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^[0-9]{1,9}$/, error)
    .transform(Number)
    .pipe(z.int().min(least, { error }).max(most, { error }));
};

/** Words between commas. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

/** GitHub's numbers of accounts, between commas. */
export const accounts = list.pipe(
  z.array(
    z
      .string()
      .regex(/^[1-9][0-9]{0,15}$/, 'the numbers of accounts')
      .transform(Number),
  ),
);
