import { describe, expect, test } from 'vitest';
import type { EventBody, PlannedUnit } from '../../../../src/events/event.ts';
import { foldEvents, type RunState } from '../../../../src/events/state.ts';
import { marker } from '../../../../src/github/api/marker.ts';
import { renderEndComment } from '../../../../src/github/render/end-comment.ts';
import type { UnitLinks } from '../../../../src/github/render/run-words.ts';
import { factsOf, numbered, plannedUnit, started } from '../../../helpers/run-events.ts';

const MARK = marker('end', 'run0000001 9');
const PAGE = 'https://github.com/o/r/issues/1#issuecomment-2';
const [api, docs, web] = [factsOf('api'), factsOf('docs'), factsOf('web')];
const THREE = [plannedUnit('docs'), plannedUnit('api'), plannedUnit('web', { dependsOn: ['api'] })];
const FAILED: EventBody = { type: 'orch.failed', branch: null, head: null, unmerged: [] };
const COMPLETE: EventBody = { type: 'orch.completed', branch: null, head: null };

function stateOf(
  events: readonly EventBody[],
  actor: string | null = 'ann',
  units: readonly PlannedUnit[] = THREE,
): RunState {
  const state = foldEvents(numbered([{ ...started(units), actor }, ...events]));
  if (state === undefined) throw new Error('a run has a start');
  return state;
}

const show = (state: RunState, links: UnitLinks = new Map()): string =>
  renderEndComment({ state, links, page: PAGE, marker: MARK });

describe('renderEndComment', () => {
  test('calls the actor, and says first what failed, why, and what to do', () => {
    const links = new Map([['docs', { pull: { number: 7, state: 'open' as const } }]]);
    const events = [
      docs.started(),
      docs.completed(),
      api.started(),
      api.failed('task 1 is still **red** @bob #3', '`choo retry run0000001 api` tries again'),
      web.blocked('api'),
      FAILED,
    ];
    expect(show(stateOf(events), links)).toMatchInlineSnapshot(`
      "@ann **❌ Run \`run0000001\` has failed units: 1 of 3 units complete, 1 failed, 1 blocked.**

      - ❌ \`api\`: task 1 is still \\*\\*red\\*\\* @​bob \\#​3 — \`/choo retry run0000001 api\` tries again

      - 🚧 blocked: \`web\`
      - ✅ complete: \`docs\` (#7)

      <!-- choo:end run0000001%209 -->"
    `);
  });

  test('calls nobody when nothing failed, or the run was cancelled', () => {
    expect(show(stateOf([docs.satisfied(), api.satisfied(), web.satisfied(), COMPLETE]))).not.toContain('@');
    expect(
      show(stateOf([api.started(), api.failed(), { type: 'orch.cancelled', actor: 'ann' }])),
    ).not.toContain('@');
  });

  test.each(['x', 'dependabot[bot]', 'org/team', 'a b', '-ann', '@ann', 'ann\n/choo run', 'ann--b', null])(
    'calls only what is a name of a person: %j',
    (actor) => {
      const text = show(stateOf([api.started(), api.failed(), FAILED], actor));
      expect(text.includes('@')).toBe(actor === 'x');
      expect(text).not.toMatch(/^\s*\//m);
    },
  );

  test('says which work was done before, and by which run', () => {
    const before: EventBody = { type: 'unit.satisfied', unit: 'docs', head: null, doneIn: 'run0000009' };
    const links = new Map([['docs', { pull: { number: 7, state: 'merged' as const } }]]);
    expect(show(stateOf([before]), links)).toContain(
      '- ✅ done before: `docs` (in run `run0000009`, #7 (merged))',
    );
  });

  test('counts what it does not name', () => {
    const units = Array.from({ length: 30 }, (_, index) => plannedUnit(`unit-${index}`));
    const done = units.map(({ id }) => factsOf(id).satisfied());
    expect(show(stateOf([...done, COMPLETE], 'ann', units))).toContain('`unit-19` and 10 more');
    const failed = units.map(({ id }) => factsOf(id).failed());
    const text = show(stateOf([...failed, FAILED], 'ann', units));
    expect(text).toContain(`- … and 20 more, in the [status comment](${PAGE})`);
    expect(text).toContain('`/choo retry` retries all of them');
  });

  test('2,000 units that failed with much to say fit', () => {
    const units = Array.from({ length: 2_000 }, (_, index) => plannedUnit(`unit-${index}`.padEnd(100, 'x')));
    const failed = units.map(({ id }) => factsOf(id).failed('*'.repeat(600), '@'.repeat(600)));
    const text = show(stateOf([...failed, FAILED], 'ann', units));
    expect(text.length).toBeLessThan(20_000);
    expect(text.endsWith(`\n\n${MARK}`)).toBe(true);
  });
});
