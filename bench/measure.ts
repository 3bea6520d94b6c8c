/** Middle, least and greatest of some figures. */
export interface Figures {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Milliseconds of `runs` calls after `warmup` that are not counted. `prepare` runs before each call, outside the clock. */
export async function measure(
  call: () => unknown,
  {
    runs,
    warmup,
    prepare = () => {},
  }: { readonly runs: number; readonly warmup: number; readonly prepare?: () => unknown },
): Promise<Figures> {
  const times: number[] = [];
  for (let run = -warmup; run < runs; run += 1) {
    await prepare();
    const started = performance.now();
    await call();
    if (run >= 0) times.push(performance.now() - started);
  }
  return figures(times);
}

export function figures(values: readonly number[]): Figures {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: sorted[Math.floor(sorted.length / 2)] ?? NaN,
    min: sorted[0] ?? NaN,
    max: sorted.at(-1) ?? NaN,
  };
}

/** Rows of cells as a table with aligned columns; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  const [head = [], ...body] = rows;
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)].join('\n');
}
