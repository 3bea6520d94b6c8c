import { afterAll, beforeAll, expect, test } from 'vitest';
import { ended, planned, quiet } from '../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State } from '../helpers/app-world.ts';
import { SHOP, SHOP_UNITS } from '../helpers/judged-shop.ts';

const NAMES = ['untouched', 'same', 'allowed', 'changed', 'asked'] as const;
type Name = (typeof NAMES)[number];

let world: AppWorld;
let state: State;
beforeAll(async () => {
  world = await makeAppWorld({
    units: Object.fromEntries(NAMES.map((name) => [name, { tasks: [SHOP_UNITS[name]] }])),
    files: SHOP,
    config: 'limits: { attempts: 1 }\n',
  });
  await world.start();
  await planned(world, await world.push('alice', 'main', { 'specs/tasks/same/note.md': 'Mind.' }));
  const issue = await world.github.as('alice').createIssue(REPO, { title: 'Build it' });
  await world.github.as('alice').comment(REPO, issue, '/choo run');
  await ended(world, 1);
  state = await quiet(world);
}, 300_000);
afterAll(async () => world[Symbol.asyncDispose]());

const JUDGE = '### The judge was changed';
const SAID: Readonly<
  Record<Name, { readonly conclusion: string; readonly draft: boolean; readonly says: readonly string[] }>
> = {
  untouched: { conclusion: 'success', draft: false, says: ['**The judge was not changed**'] },
  same: {
    conclusion: 'success',
    draft: false,
    says: [JUDGE, '**It passes with the judge as it was**', '`test/cart.test.js`', '+1 −0'],
  },
  allowed: {
    conclusion: 'success',
    draft: false,
    says: [JUDGE, '**It passes only with the changed judge**, which its tasks may change'],
  },
  changed: {
    conclusion: 'neutral',
    draft: false,
    says: [JUDGE, '**It passes only with the changed judge**, and no task may change that'],
  },
  asked: {
    conclusion: 'action_required',
    draft: true,
    says: [JUDGE, '**It passes with the judge as it was**', '`package.json`', '**a person must agree**'],
  },
};

test.each(NAMES)('says what became of the judge in the check and the pull request: %s', (name) => {
  const { conclusion, draft, says } = SAID[name];
  const check = state.checks.findLast((each) => each.name === `choo / ${name}`);
  const pull = state.pulls.find(({ head }) => head.ref === `choo/unit/main/${name}`);
  expect(check).toMatchObject({ conclusion });
  expect(pull).toMatchObject({ draft });
  for (const text of [check?.output?.summary, pull?.body]) {
    for (const part of says) expect(text).toContain(part);
    // No other heading stands before it.
    expect(text?.split('\n').find((line) => line.startsWith('### ') && says[0] === JUDGE) ?? says[0]).toBe(
      says[0],
    );
  }
});
