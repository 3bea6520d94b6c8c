import { afterAll, beforeAll, describe, test } from 'vitest';
import { temporaryDirectory } from '../temporary-directory.ts';
import { play, type Row } from './rows.ts';
import { makeStages } from './stage.ts';

/** How long a row may take, on a machine that does much else. */
const ROW_MS = 1_200_000;

/** One test for each row, several at a time on one server, each in a repository of its own. */
export function testRows(rows: readonly Row[]): void {
  describe.concurrent('everything stays true on a', () => {
    const stack = new AsyncDisposableStack();
    let stages: Awaited<ReturnType<typeof makeStages>>;
    beforeAll(async () => {
      const { path } = stack.use(await temporaryDirectory());
      stages = await makeStages(
        rows.map(({ plan }) => plan),
        path,
      );
      stack.use(stages.world);
    });
    afterAll(async () => stack.disposeAsync());

    const titled = rows.map((row) => [row.title, row] as const);
    test.for(titled)('%s', { timeout: ROW_MS }, async ([, row], { expect }) => {
      expect(await play(row, await stages.setUp(row.plan))).toEqual([]);
    });
  });
}
