import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocateSlots } from '../../../../src/store/queue/claims.ts';

type Candidate = Parameters<typeof allocateSlots>[0][number];

/** A run with units to start, in a repository of its own. */
function candidate(run: string, change: Partial<Candidate> = {}): Candidate {
  return {
    run,
    repository: run,
    installation: 'one',
    queued: 100,
    room: 100,
    repository_room: null,
    served: 0,
    installation_served: 0,
    installation_held: 0,
    ...change,
  };
}

describe('slots', () => {
  test.each<[string, readonly Candidate[], number, readonly string[]]>([
    ['go to nobody where nobody waits', [], 3, []],
    ['go to nobody when there are none', [candidate('a')], 0, []],
    ['go no further than what waits', [candidate('a', { queued: 2 })], 5, ['a', 'a']],
    ['go no further than a run has room', [candidate('a', { room: 1 })], 5, ['a']],
    ['go no further than a repository has room', [candidate('a', { repository_room: 2 })], 5, ['a', 'a']],
    [
      'go no further than a repository has room for all its runs',
      [
        candidate('a', { repository: 'r', repository_room: 2 }),
        candidate('b', { repository: 'r', repository_room: 2 }),
      ],
      5,
      ['a', 'b'],
    ],
    ['go round between the runs of one', [candidate('a'), candidate('b')], 4, ['a', 'b', 'a', 'b']],
    [
      'go first to who was served longest ago',
      [
        candidate('a', { served: 9, installation_served: 9 }),
        candidate('b', { served: 3, installation_served: 9 }),
      ],
      3,
      ['b', 'a', 'b'],
    ],
    [
      'go round between installations, however many runs one has',
      [candidate('a'), candidate('b'), candidate('c', { installation: 'two' })],
      4,
      ['a', 'c', 'b', 'c'],
    ],
    [
      'go to an installation that has waited before one that has just been served',
      [
        candidate('a', { installation_served: 7, served: 7 }),
        candidate('z', { installation: 'two', installation_served: 2 }),
      ],
      1,
      ['z'],
    ],
    [
      'go to an installation until it has as many as the others, whoever was served before',
      [
        candidate('a', { installation_held: 3, installation_served: 1 }),
        candidate('z', { installation: 'two', installation_held: 1, installation_served: 9 }),
      ],
      4,
      ['z', 'z', 'a', 'z'],
    ],
  ])('%s', (_, candidates, slots, expected) => {
    const { order, byRun } = allocateSlots(candidates, slots);
    expect(order.map(({ run }) => run)).toEqual(expected);
    expect([...byRun.values()].reduce((sum, count) => sum + count, 0)).toBe(expected.length);
  });

  test('keep no installation waiting for more than one turn of the others', () => {
    const candidates = fc.uniqueArray(
      fc.record({
        run: fc.integer({ min: 0, max: 20 }).map(String),
        installation: fc.constantFrom('one', 'two', 'three'),
        queued: fc.integer({ min: 1, max: 9 }),
        served: fc.nat({ max: 9 }),
      }),
      { selector: ({ run }) => run, minLength: 1 },
    );
    fc.assert(
      fc.property(candidates, fc.nat({ max: 30 }), (list, slots) => {
        const all = list.map(({ run, ...change }) => candidate(run, change));
        const { order } = allocateSlots(all, slots);
        const wanted = all.reduce((sum, { queued }) => sum + queued, 0);
        expect(order).toHaveLength(Math.min(slots, wanted));
        // As long as all of them have something that waits, nobody comes twice before everybody came once.
        const names = new Set(list.map(({ installation }) => installation));
        const least = Math.min(
          ...[...names].map((name) =>
            all.reduce((sum, each) => sum + (each.installation === name ? each.queued : 0), 0),
          ),
        );
        const rounds = Math.min(least, Math.floor(order.length / names.size));
        for (let round = 0; round < rounds; round += 1) {
          const turn = order.slice(round * names.size, (round + 1) * names.size);
          expect(new Set(turn.map(({ installation }) => installation))).toEqual(names);
        }
      }),
    );
  });
});
