import fc from 'fast-check';

/** `script/test long` runs every row and round; `script/test long part`, as CI does, those that the seed selects. */
export const IS_WHOLE = process.env['CHOO_LONG'] === 'whole';

/** The rows that run: all of them, or `count` that the seed selects. */
export function partOf<T>(rows: readonly T[], count: number): readonly T[] {
  if (IS_WHOLE || rows.length <= count) return rows;
  const [part = []] = fc.sample(fc.shuffledSubarray([...rows], { minLength: count, maxLength: count }), 1);
  return part;
}
