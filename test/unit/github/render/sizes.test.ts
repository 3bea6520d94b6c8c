import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SpecFile, Unit } from '../../../../src/discovery/unit.ts';
import type { EventBody } from '../../../../src/events/event.ts';
import { foldEvents, type RunState } from '../../../../src/events/state.ts';
import { renderEndComment } from '../../../../src/github/render/end-comment.ts';
import { renderPlanCheck } from '../../../../src/github/render/plan-check.ts';
import { renderPlanComment } from '../../../../src/github/render/plan-comment.ts';
import { renderRunComment } from '../../../../src/github/render/run-comment.ts';
import { renderUnitCheck } from '../../../../src/github/render/unit-check.ts';
import { renderUnitPull } from '../../../../src/github/render/unit-pull.ts';
import { foretell } from '../../../../src/plan/fate.ts';
import type { Plan, PlanUnit } from '../../../../src/plan/schema.ts';
import { outsideCode } from '../../../helpers/app-attacks-texts.ts';
import { planOf } from '../../../helpers/plan-of.ts';
import { commit, factsOf, numbered, plannedUnit, started } from '../../../helpers/run-events.ts';

/** What GitHub takes as a body, a summary or a text. Characters. */
const MAX_TEXT = 65_536;
const MARK = '<!-- choo:run x -->';

/** Pieces that grow when they are escaped, or end a part of a page early. */
const PIECES = [
  '@ann ',
  '|',
  '`',
  '```\n',
  '</details>',
  '</pre>',
  '<!-- ',
  '**',
  '\n/choo run\n',
  '\u202e',
  '漢',
  ' fixes #1 ',
];
const hostile = fc
  .tuple(
    fc.array(fc.constantFrom(...PIECES, 'words '), { minLength: 1, maxLength: 8 }),
    fc.constantFrom(1, 30, 3_000),
  )
  .map(([pieces, times]) => pieces.join('').repeat(times));

const world = fc.record({
  units: fc.integer({ min: 0, max: 300 }),
  idLength: fc.constantFrom(6, 100),
  edges: fc.constantFrom(0, 1, 5),
  text: hostile,
  other: hostile,
  seed: fc.nat(),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

const idsOf = ({ units, idLength }: World): readonly string[] =>
  Array.from({ length: units }, (_, index) => `u${index}`.padEnd(idLength, 'x'));
const dependenciesOf = (ids: readonly string[], index: number, edges: number): string[] =>
  ids.slice(Math.max(0, index - edges), index);

/** A run in which everything happened to some unit. */
function runOf(shape: World): RunState {
  const ids = idsOf(shape);
  const events = ids.flatMap((id, index): EventBody[] => {
    const facts = factsOf(id);
    const all: EventBody[][] = [
      [],
      [facts.started(), facts.failed(shape.text, shape.other)],
      [facts.started(), facts.invoke(1), facts.done(1, 9_000, 1), facts.completed()],
      [facts.blocked(ids[0] ?? id)],
      [{ type: 'unit.satisfied', unit: id, head: null, doneIn: shape.text.slice(0, 50) }],
      [facts.started(), { ...facts.released(), reason: shape.text } as EventBody],
      [facts.skipped()],
    ];
    return all[(index + shape.seed) % all.length] ?? [];
  });
  const planned = ids.map((id, index) =>
    plannedUnit(id, { dependsOn: dependenciesOf(ids, index, shape.edges) }),
  );
  const end: EventBody = { type: 'orch.failed', branch: null, head: null, unmerged: [] };
  const state = foldEvents(numbered([{ ...started(planned), actor: shape.text }, ...events, end]));
  if (state === undefined) throw new Error('a run has a start');
  return state;
}

/** Ends of folded parts and of code are those that choo wrote. */
function expectWhole(text: string): void {
  expect(text.length).toBeLessThanOrEqual(MAX_TEXT);
  const bare = outsideCode(text);
  expect(bare.split('</details>').length).toBe(bare.split('<details>').length);
  expect(bare.split('</pre>').length).toBe(bare.split('<pre ').length);
  expect(text).not.toMatch(/^[ \t]*\/choo/m);
  // A line that begins with HTML is HTML: nothing of others may be in it but as entities.
  for (const [, summary = ''] of bare.matchAll(/<summary>(.*)/g))
    expect(summary).toMatch(/^[^<>@\\`]*(?:<code>[^<>@\\`]*<\/code>)?<\/summary>$/);
}

test('no text about a run is longer than GitHub takes, whatever happened in it', () => {
  fc.assert(
    fc.property(world, (shape) => {
      const state = runOf(shape);
      const ids = [...state.units.keys()];
      const links = new Map(ids.map((id, number) => [id, { pull: { number, state: 'lost' as const } }]));
      const withoutPull = { units: ids, most: 50 };
      const refusals = Array.from({ length: shape.units }, () => shape.other);
      const overtakenBy = shape.seed % 2 === 0 ? null : { run: 'run0000002', url: 'https://github.test/o/r' };
      const shown = {
        state,
        waits: null,
        overtakenBy,
        links,
        withoutPull,
        refusals,
        marker: MARK,
        isThread: true,
      };
      const texts = [
        renderRunComment(shown),
        renderEndComment({ state, links, page: 'https://x', marker: MARK }),
      ];
      for (const text of texts) {
        expectWhole(text);
        expect(text.endsWith(`\n\n${MARK}`)).toBe(true);
      }
    }),
    { numRuns: 20 },
  );
});

test('no text about a plan is longer than GitHub takes, whatever is planned', async () => {
  const empty = await planOf({});
  fc.assert(
    fc.property(world, (shape) => {
      const ids = idsOf(shape);
      const states = ['planned', 'complete', 'broken', 'stuck', 'left-out'] as const;
      const units = ids.map((id, index): PlanUnit => {
        const state = states[(index + shape.seed) % states.length] ?? 'planned';
        return {
          id,
          directory: id,
          title: shape.text,
          state,
          status: null,
          wave: state === 'planned' ? index + 1 : null,
          dependsOn: dependenciesOf(ids, index, shape.edges),
          provider: { name: 'claude', source: 'default' },
          key: id,
          tasks: [
            {
              number: 1,
              title: shape.other,
              file: 'x',
              status: 'pending',
              gate: shape.text,
              dependsOn: [],
              mayChange: [shape.text],
            },
          ],
        };
      });
      const list = Array.from({ length: shape.units }, (): Plan['problems']['list'][number] => ({
        severity: 'warning',
        code: 'scalar-list',
        message: shape.text,
        file: shape.other,
        line: 1,
        column: 1,
        hint: shape.text,
      }));
      const waves = units.flatMap(({ id, wave }) => (wave === null ? [] : [[id]]));
      const problems = { errors: shape.seed % 2, warnings: list.length, notices: 0, dropped: 3, list };
      const plan: Plan = { ...empty, units, waves, problems, criticalPath: { units: [...ids], tasks: 9 } };
      const elsewhere = ids.map((unit, pull) => ({
        unit,
        target: shape.text,
        pull,
        isSameBranch: pull % 2 === 0,
      }));
      const shown = {
        ...{
          plan,
          commit: commit('a'),
          configCommit: commit('b'),
          configNote: null,
          brokenConfig: null,
          target: shape.other,
        },
        ...{ fates: foretell(plan, new Map()), changed: new Set(ids), changesConfig: true, elsewhere },
      };
      const check = renderPlanCheck({ ...shown, limits: null });
      expect(check.title.length).toBeLessThanOrEqual(200);
      for (const text of [check.summary, check.text]) expectWhole(text);
      for (const isOfAll of [true, false])
        expectWhole(renderPlanComment({ ...shown, checkUrl: 'https://x', marker: MARK, isOfAll }));
    }),
    { numRuns: 20 },
  );
});

test('no text of a unit is longer than GitHub takes, whatever its specs, gates and agents say', () => {
  const fileOf = (text: string): SpecFile => ({
    path: `specs/${text.slice(0, 90)}`,
    content: Buffer.from(text),
    frontMatter: { fields: new Map(), start: 0, end: 0, bodyStart: 0, braces: false },
  });
  fc.assert(
    fc.property(world, (shape) => {
      const { text, other } = shape;
      const tasks = Array.from({ length: Math.max(1, shape.units) }, (_, index) => ({
        ...{ number: index + 1, title: text, status: 'pending' as const, gate: other, dependsOn: [] },
        mayChange: [other],
        file: fileOf(text),
      }));
      const rest = {
        directory: text,
        title: other,
        dependsOn: [],
        provider: undefined,
        context: [],
        status: 'pending' as const,
      };
      const unit: Unit = { id: 'api', ...rest, recorded: {}, tasks, plan: fileOf(other) };
      const api = factsOf('api');
      const facts = tasks.flatMap(({ number }): EventBody[] => [
        { ...api.done(number, 9, 1), summary: text } as EventBody,
        { ...api.red(number), tail: other } as EventBody,
        api.notice(text),
      ]);
      const events = numbered([
        started([plannedUnit('api', { tasks: tasks.length })]),
        ...facts,
        api.failed(text, other),
      ]);
      const progress = foldEvents(events)?.units.get('api');
      if (progress === undefined) throw new Error('the run has the unit');
      const names = Array.from({ length: shape.units }, (_, number) => ({
        unit: text.slice(0, 100),
        number,
      }));
      const { title, body } = renderUnitPull({
        ...{ unit, progress, events, run: { id: 'run0000001', url: 'https://x' }, specsUrl: 'https://x/' },
        ...{
          sandbox: 'host',
          dependents: names,
          needs: names.map((each) => each.unit),
          base: text,
          head: commit('e'),
        },
        dependsOn: names.map(({ unit: id, number }) => ({
          unit: id,
          pull: { number, merged: false, revert: null },
        })),
        verdict: { kind: 'unverified', head: commit('e'), reason: text },
        truths: { noBase: { kind: 'refused', reason: other }, rejected: [], lost: text, also: [text] },
        ...{ isBehind: false, offersUpdate: true, stuck: other, update: null, way: 'merge', hasMerges: true },
        ...{ isStacked: true, others: [], replaces: 3, marker: MARK },
      });
      expect(title.length).toBeLessThanOrEqual(256);
      expectWhole(body);
      expect(body.endsWith(`\n\n${MARK}`)).toBe(true);
      const common = { progress, events, directory: '', pullUrl: null, waitsFor: [] };
      const check = renderUnitCheck({ ...common, verdict: { kind: 'recorded' } });
      for (const part of [check.summary, check.text ?? '']) expectWhole(part);
    }),
    { numRuns: 20 },
  );
});
