import { describe, expect, test } from 'vitest';
import { ceilingsOf } from '../../../../src/config/ceilings.ts';
import { applyCeilings } from '../../../../src/config/apply-ceilings.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import { marker } from '../../../../src/github/api/marker.ts';
import { MAX_BODY_LENGTH } from '../../../../src/github/render/markdown.ts';
import { renderPlanCheck } from '../../../../src/github/render/plan-check.ts';
import {
  type PlanCommentInput,
  renderConfigIssue,
  renderPlanComment,
} from '../../../../src/github/render/plan-comment.ts';
import { foretell } from '../../../../src/plan/fate.ts';
import type { Plan } from '../../../../src/plan/schema.ts';
import { planOf, unitFiles } from '../../../helpers/plan-of.ts';
import { commit } from '../../../helpers/run-events.ts';

describe('renderPlanComment', () => {
  const rest = {
    commit: commit('a'),
    ...{
      configCommit: commit('b'),
      configNote: null,
      brokenConfig: null,
      changesConfig: false,
      elsewhere: [],
      target: 'specs',
    },
    changed: new Set(['api']),
    isOfAll: false,
    checkUrl: 'https://github.com/o/r/runs/1',
    marker: marker('plan', '3'),
  };

  const show = (plan: Plan, more: Partial<PlanCommentInput> = {}): string =>
    renderPlanComment({ plan, fates: foretell(plan, new Map()), ...rest, ...more });

  test('shows the plan and how to run it', async () => {
    const plan = await planOf({ ...unitFiles('api'), ...unitFiles('web', { dependsOn: ['api'] }) });
    expect(show(plan)).toMatchInlineSnapshot(`
      "The plan of aaaaaaaaaaaa: **2 units in 2 waves**, 1 changed here. [Its check](https://github.com/o/r/runs/1) shows gates and providers.

      Put the label \`choo:run\` on, or write \`/choo run\`, to run the units that changed here. \`/choo help\` shows what else there is.

      | Changed here | Title | What happens |
      | --- | --- | --- |
      | \`api\` | A unit | run |

      \`\`\`mermaid
      flowchart LR
        u0["api<br/>1 task, claude"]:::planned
        u1["web<br/>1 task, claude"]:::planned
        u0 --> u1
        classDef planned fill:#ddf4ff,stroke:#0969da,color:#1f2328
      \`\`\`

      <!-- choo:plan 3 -->"
    `);
  });

  test('says which limits the operator does not allow', async () => {
    const content = Buffer.from('limits: { run_cost: 500 }\n');
    const loaded = loadConfig([{ path: '.choo.yml', size: content.byteLength, content }]);
    const configuration = applyCeilings(loaded, ceilingsOf({ CHOO_MAX_COST_RUN: 100 }));
    const plan = await planOf(unitFiles('api'), { configuration });
    const told = 'asks for \\$500\\: the operator allows \\$100';
    expect(show(plan)).toContain(`\n- limits.run\\_cost ${told}\n`);
    const check = {
      ...rest,
      plan,
      limits: null,
      fates: foretell(plan, new Map()),
    };
    const { summary, annotations } = renderPlanCheck({ ...check, changed: new Set<string>() });
    expect(summary).toContain(`limits.run\\_cost ${told}`);
    expect(annotations).toMatchObject([{ path: '.choo.yml', start_line: 1, annotation_level: 'notice' }]);
  });

  test('offers no run where there is nothing to run, or something is wrong', async () => {
    const done = await planOf(unitFiles('api', { statuses: ['complete'] }));
    const broken = await planOf(unitFiles('api', { dependsOn: ['nobody'] }));
    expect(show(done)).toMatch(/^\*\*Nothing to do\*\*(?!.*\/choo run)/s);
    expect(show(broken)).toMatch(/\*\*1 error\*\*(?!.*\/choo run)/s);
  });

  test('invites to nothing where what changed here was done before', async () => {
    const plan = await planOf({ ...unitFiles('api'), ...unitFiles('web') });
    const key = plan.units.find(({ id }) => id === 'api')?.key ?? '';
    const fates = foretell(plan, new Map([['api', { key, stands: true, pull: 4 }]]));
    expect(show(plan, { fates })).toMatch(
      /^\*\*Nothing to do\*\* at a{12}: every unit that changed here is done\./,
    );
    expect(show(plan, { fates })).not.toContain('/choo run');
    // On an issue a run is of all units.
    const all = show(plan, { fates, isOfAll: true, changed: new Set() });
    expect(all).toContain('Write `/choo run` to run it.');
    expect(all).toContain('| `api` | A unit | done, #4 |');
  });

  test('says of a configuration alone that it does not count yet, and invites to nothing', async () => {
    const text = show(await planOf(unitFiles('api')), { changed: new Set(), changesConfig: true });
    expect(text).toMatch(
      /^Only the configuration changes at a{12}: there is nothing to run\.\n\nThe configuration changes here\. It counts once/,
    );
    expect(text).not.toMatch(/\/choo run|mermaid/);
  });

  test('names another branch that works on what changed here', async () => {
    const elsewhere = [{ unit: 'api', target: 'feature', pull: 12, isSameBranch: true }];
    expect(show(await planOf(unitFiles('api')), { elsewhere })).toContain('**they collide**');
  });

  test('2,000 units with long names fit', async () => {
    const ids = Array.from({ length: 2_000 }, (_, index) => `unit-${index}`.padEnd(60, 'x'));
    const plan = await planOf(Object.assign({}, ...ids.map((id) => unitFiles(id))) as Record<string, string>);
    const elsewhere = ids.map((unit, pull) => ({ unit, target: 'x'.repeat(200), pull, isSameBranch: true }));
    for (const isOfAll of [true, false]) {
      const text = show(plan, { changed: new Set(ids), elsewhere, isOfAll });
      expect(text.length).toBeLessThan(MAX_BODY_LENGTH);
      expect(text).toContain('… and 1980 more.');
    }
  });

  test('a broken configuration: what is wrong is only shown', () => {
    const { title, body } = renderConfigIssue({
      problems: [
        {
          severity: 'error',
          code: 'config-value',
          message: '`@ann` | <!-- -->',
          file: '.choo.yml',
          line: 2,
          column: 1,
          hint: '/choo run',
        },
      ],
      commit: commit('a'),
      holds: commit('b'),
      marker: marker('configuration', 'issue'),
    });
    expect(title).toBe('The configuration of choo has errors');
    expect(body).toMatchInlineSnapshot(`
      "choo cannot use the configuration at aaaaaaaaaaaa, the head of the default branch. Until somebody corrects it, choo uses the one at bbbbbbbbbbbb.

      | Line | Error |
      | --- | --- |
      | \`.choo.yml\`:2 | @​ann \\| \\<\\!\\-\\- \\-\\-\\> — ​/choo run |

      choo closes this issue when a push to the default branch corrects them all.

      <!-- choo:configuration issue -->"
    `);
  });
});
