import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commitFiles } from '../../helpers/git-repository.ts';
import { json, SHOP, SHOP_PACKAGE, write } from '../../helpers/judged-shop.ts';
import { openUpdateWorld, type UpdateWorld } from '../../helpers/update-world.ts';

const TEST = 'test/cart.test.js';

describe('a head that somebody else pushed is judged as new work is', () => {
  let world: UpdateWorld;
  beforeAll(async () => {
    const tasks = [{ gate: 'node --test', sh: write('src/tax.js', 'exports.tax = () => 0;\n') }];
    world = await openUpdateWorld({ units: { tax: { tasks } }, files: SHOP });
  });
  afterAll(async () => world[Symbol.asyncDispose]());

  /** One push after the other. */
  test.each<
    readonly [
      string,
      Readonly<Record<string, string>>,
      { readonly paths: readonly string[] } & Record<string, unknown>,
    ]
  >([
    [
      'with nothing of the judge: nothing runs twice',
      { 'src/tax.js': 'exports.tax = () => 1;\n' },
      { status: 'complete', paths: [], gates: undefined },
    ],
    [
      'with a test that is only said better: it passes as it was, too',
      { [TEST]: `${SHOP[TEST]}// said better\n` },
      { status: 'complete', paths: [TEST], gates: [true] },
    ],
    [
      'with a test that is turned around: it does not',
      { 'src/cart.js': 'exports.total = () => 1;\n', [TEST]: SHOP[TEST].replace('total(), 0', 'total(), 1') },
      { status: 'complete', paths: [TEST], gates: [false] },
    ],
    [
      'with what says how to test: a person must agree',
      { 'package.json': json({ ...SHOP_PACKAGE, scripts: { test: 'true' } }) },
      { status: 'failed', failure: 'judge-changed', paths: ['package.json', TEST] },
    ],
  ])('%s', async (_, files, expected) => {
    const head = await world.person(world.branch('tax'), async (at) => commitFiles(at, files));
    const found = await world.update({ unit: 'tax', head, onto: null });
    const gates = found?.judge?.trial?.gates.map(({ passed }) => passed);
    const paths = found?.judge?.changes.map(({ path }) => path);
    const { status, failure } = found ?? {};
    expect({ status, failure: failure?.failure, paths, gates }).toMatchObject(expected);
  });
});
