import { expect, test } from 'vitest';
import { type EarlierWork, foretell, willRun } from '../../../src/plan/fate.ts';
import { planOf, unitFiles } from '../../helpers/plan-of.ts';

test.each<[string, Partial<EarlierWork> | undefined, object]>([
  ['never done', undefined, { kind: 'run', changed: false }],
  ['verified', { stands: true }, { kind: 'done', pull: 4 }],
  ['merged', { stands: true, outcome: 'merged' }, { kind: 'merged', pull: 4 }],
  ['begun', { stands: false }, { kind: 'run', changed: false }],
  ['taken back by the target', { stands: false, outcome: 'reverted' }, { kind: 'run', changed: false }],
  ['rejected', { stands: false, outcome: 'rejected' }, { kind: 'blocked', by: null, rejected: 4 }],
  ['done for other specs', { stands: true, key: 'old' }, { kind: 'run', changed: true }],
  ['rejected for other specs', { outcome: 'rejected', key: 'old' }, { kind: 'run', changed: true }],
])('a unit whose work was %s', async (_, before, fate) => {
  const plan = await planOf(unitFiles('api'));
  const work = { key: plan.units[0]?.key ?? '', stands: false, pull: 4, ...before };
  expect(foretell(plan, new Map(before === undefined ? [] : [['api', work]])).get('api')).toEqual(fate);
});

test('what depends on work waits, and on what cannot run is blocked', async () => {
  const plan = await planOf({
    ...unitFiles('api'),
    ...unitFiles('web', { dependsOn: ['api'] }),
    ...unitFiles('bad', { dependsOn: ['nobody'] }),
    ...unitFiles('worse', { dependsOn: ['bad'] }),
    ...unitFiles('done', { statuses: ['complete'] }),
  });
  const fates = foretell(plan, new Map());
  expect(Object.fromEntries(fates)).toMatchObject({
    api: { kind: 'run' },
    web: { kind: 'waits', behind: ['api'] },
    worse: { kind: 'blocked' },
    done: { kind: 'left-out', state: 'complete' },
  });
  expect([...fates].filter(([, fate]) => willRun(fate)).map(([id]) => id)).toEqual(['api', 'web']);
});
