import { ChooError } from '../errors.ts';

/** Reads an option that is a whole number. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new ChooError('usage', `\`${text}\` is not a whole number from ${least} to ${most}`);
  };
}

/** Reads an option that is an amount in US dollars. */
export function amount(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new ChooError('usage', `\`${text}\` is not an amount in US dollars`);
}
