import { describe, expect, test } from 'vitest';
import { MAX_BODY_LENGTH } from '../../../../src/github/render/markdown.ts';
import { renderPlanCheck } from '../../../../src/github/render/plan-check.ts';
import type { PlanCheckInput } from '../../../../src/github/render/plan-input.ts';
import { type EarlierWork, foretell } from '../../../../src/plan/fate.ts';
import type { Plan } from '../../../../src/plan/schema.ts';
import { planText, taskText } from '../../../helpers/memory-tree.ts';
import { planOf, unitFiles } from '../../../helpers/plan-of.ts';
import { commit } from '../../../helpers/run-events.ts';

/** A plan of which nothing else is known. */
function shown(plan: Plan, rest: Partial<PlanCheckInput> = {}): PlanCheckInput {
  return {
    plan,
    commit: commit('a'),
    configCommit: commit('c'),
    configNote: null,
    brokenConfig: null,
    limits: null,
    fates: foretell(plan, new Map()),
    changed: new Set(),
    changesConfig: false,
    elsewhere: [],
    target: 'main',
    ...rest,
  };
}

const TWO = {
  ...unitFiles('api', { statuses: ['complete', 'pending'] }),
  ...unitFiles('web', { dependsOn: ['api'], provider: 'codex' }),
};

/** A unit whose title and gate are the given texts. */
function hostileUnit(title: string, gate: string): Record<string, string> {
  return {
    'specs/tasks/a/IMPLEMENTATION_PLAN.md': planText({ depends_on: '[]' }, `# ${title}\n`),
    'specs/tasks/a/01-step.md': taskText({ backpressure: JSON.stringify(gate) }, `# ${title}\n`),
  };
}

describe('renderPlanCheck', () => {
  test('shows what would run, in which order, with what', async () => {
    const plan = await planOf(TWO);
    const check = renderPlanCheck(
      shown(plan, {
        fates: foretell(plan, new Map([['api', { key: 'old', stands: true, pull: 4 }]])),
        changed: new Set(['api']),
        configNote: 'The last good configuration holds.',
        limits: { run_cost: 100, run_tokens: 20_000_000 },
      }),
    );
    expect(check.title).toMatchInlineSnapshot(`"2 units in 2 waves"`);
    expect(check.conclusion).toBe('success');
    expect(check.summary).toMatchInlineSnapshot(`
      "The last good configuration holds.

      Critical path: \`api\` → \`web\`, 2 tasks. At most 4 units at a time.

      A run spends at most $100 and 20,000,000 tokens.

      | Unit | Title | What happens | Tasks | Provider | Builds on |
      | --- | --- | --- | --- | --- | --- |
      | \`api\` ✎ | A unit | run, its specs changed | 2 | claude (default) |  |
      | \`web\` | A unit | waits | 1 | codex (unit) | \`api\` |

      ✎ changed here

      Specs at aaaaaaaaaaaa, configuration at cccccccccccc (defaults).

      \`\`\`mermaid
      flowchart LR
        u0["api<br/>2 tasks, claude"]:::planned
        u1["web<br/>1 task, codex"]:::planned
        u0 --> u1
        classDef planned fill:#ddf4ff,stroke:#0969da,color:#1f2328
      \`\`\`"
    `);
    expect(check.text).toMatchInlineSnapshot(`
      "### Waves

      1. \`api\`
      2. \`web\`

      ### Gates

      <details><summary>3 tasks: each counts only when its gate passes</summary>

      | Unit | Task | Title | Gate |
      | --- | --- | --- | --- |
      | \`api\` | 1 | Step 1 of api | \`make api-1\` |
      | \`api\` | 2 | Step 2 of api | \`make api-2\` |
      | \`web\` | 1 | Step 1 of web | \`make web-1\` |

      </details>"
    `);
    expect(check.annotations).toEqual([]);
  });

  test('shows what is prepared and checked around the units', async () => {
    const plan = await planOf(unitFiles('api'));
    const { text } = renderPlanCheck(
      shown({
        ...plan,
        setup: [{ command: 'npm ci', if: 'package.json' }],
        baselineChecks: [{ name: '*lint*', command: 'npm run lint | tee', pattern: null }],
      }),
    );
    expect(text.slice(text.indexOf('### Setup'))).toMatchInlineSnapshot(`
      "### Setup and baseline checks

      - setup: \`npm ci\` if there is \`package.json\`
      - \\*lint\\*: <code>npm run lint &#x7c; tee</code>"
    `);
  });

  test('has nothing to run where all is complete', async () => {
    const check = renderPlanCheck(shown(await planOf(unitFiles('api', { statuses: ['complete'] }))));
    expect(check).toMatchObject({ title: 'Nothing to run', conclusion: 'neutral' });
  });

  test('says of each unit what will happen, and folds the many that are done', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `done-${index}`);
    const files = [
      ...ids.map((id) => unitFiles(id)),
      ...['merged', 'rejected'].map((id) => unitFiles(id)),
      unitFiles('after', { dependsOn: ['rejected'] }),
      unitFiles('new', { dependsOn: ['merged'] }),
      unitFiles('newer', { dependsOn: ['new'] }),
      unitFiles('spec-done', { statuses: ['complete'] }),
    ];
    const plan = await planOf(Object.assign({}, ...files) as Record<string, string>);
    const keyOf = (id: string): string => plan.units.find((unit) => unit.id === id)?.key ?? '';
    const done = new Map<string, EarlierWork>([
      ...ids.map((id, index): [string, EarlierWork] => [id, { key: keyOf(id), stands: true, pull: index }]),
      ['merged', { key: keyOf('merged'), stands: true, outcome: 'merged', pull: 20 }],
      ['rejected', { key: keyOf('rejected'), stands: false, outcome: 'rejected', pull: 21 }],
    ]);
    const check = renderPlanCheck(shown(plan, { fates: foretell(plan, done) }));
    expect(check.title).toBe('2 of 17 units to run');
    const [open = '', folded = ''] = check.summary.split(
      '<details><summary>14 units with nothing left to do',
    );
    const fateIn = (text: string, id: string): string | undefined =>
      text
        .split('\n')
        .find((line) => line.startsWith(`| \`${id}\` |`))
        ?.split(' | ')[2];
    expect(['rejected', 'after', 'new', 'newer'].map((id) => fateIn(open, id))).toEqual([
      'blocked, #21 was closed',
      'blocked by `rejected`',
      'run',
      'waits',
    ]);
    expect(['done-3', 'merged', 'spec-done'].map((id) => fateIn(folded, id))).toEqual([
      'done, #3',
      'merged, #20',
      'complete in the specs',
    ]);
  });

  test('where all is done there is nothing to do, and no graph', async () => {
    const plan = await planOf(unitFiles('api'));
    const done = new Map([['api', { key: plan.units[0]?.key ?? '', stands: true, pull: 4 }]]);
    const check = renderPlanCheck(shown(plan, { fates: foretell(plan, done) }));
    expect(check).toMatchObject({ title: 'Nothing to run', conclusion: 'neutral' });
    expect(check.summary).toContain('Nothing to do: every unit is done.');
    expect(check.summary).not.toContain('mermaid');
  });

  test('a configuration alone is neutral, without a graph, and does not count before it is merged', async () => {
    const plan = await planOf(unitFiles('api'));
    const check = renderPlanCheck(shown(plan, { changesConfig: true }));
    expect(check).toMatchObject({ title: 'Only the configuration changes', conclusion: 'neutral' });
    expect(check.summary).not.toContain('mermaid');
    expect(check.summary).toContain('It counts once it is on the default branch');
    const inForce = renderPlanCheck(shown(plan, { changesConfig: true, configCommit: commit('a') }));
    expect(inForce.summary).not.toContain('It counts once');
    // On the default branch a broken one counts when it is mended.
    const broken = renderPlanCheck(shown(plan, { changesConfig: true, brokenConfig: commit('a') }));
    expect(broken.summary).not.toContain('It counts once');
    const both = renderPlanCheck(shown(plan, { changesConfig: true, changed: new Set(['api']) }));
    expect(both).toMatchObject({ title: '1 unit in 1 wave', conclusion: 'success' });
    expect(both.summary).toContain('It counts once it is on the default branch');
  });

  test('another branch that works on a unit that changed here is named, whatever its name', async () => {
    const plan = await planOf({ ...unitFiles('api'), ...unitFiles('web') });
    const other = { unit: 'api', pull: 12, isSameBranch: false };
    const nasty = { unit: 'web', pull: 13, isSameBranch: true, target: '@ann`|/choo-run' };
    const elsewhere = [{ ...other, target: 'feature/b' }, nasty];
    const of = (changed: readonly string[]): string =>
      renderPlanCheck(shown(plan, { elsewhere, changed: new Set(changed) })).summary;
    expect(of(['api'])).toContain('- `api` is in #12, which goes to `feature/b`: results for both');
    expect(of(['api'])).toContain('| `api` ✎ | A unit | run; collides with `feature/b` |');
    expect(of(['api'])).not.toContain('#13');
    expect(of(['web'])).toMatch(
      /- `web` is in #13, which goes to <code>[^<>`@|]+<\/code> and has .*\*\*they collide\*\*/,
    );
  });

  test('another branch that changes the same specs is named before anything ran', async () => {
    const plan = await planOf({ ...unitFiles('api'), ...unitFiles('web') });
    const branches = ['feature/b', 'c', 'd'];
    const elsewhere = branches.map((target) => ({ unit: 'api', target, pull: null, isSameBranch: false }));
    const { summary } = renderPlanCheck(shown(plan, { elsewhere, changed: new Set(['api']) }));
    expect(summary).toContain('- `api` is changed on `feature/b`, too: what is merged last will conflict.');
    expect(summary).toContain('| run; collides with `feature/b` and 2 more |');
    expect(summary).toMatch(/\| `web` \| A unit \| run \|/);
  });

  test('puts each problem on its line, and errors first', async () => {
    const plan = await planOf(unitFiles('web', { dependsOn: ['nobody'] }));
    const [error] = plan.problems.list;
    const place = { line: 1, column: 1 };
    const list: Plan['problems']['list'] = [
      { severity: 'notice', code: 'scalar-list', message: 'first', file: 'a.md', ...place },
      ...plan.problems.list,
      {
        severity: 'error',
        code: 'branch-in-the-way',
        message: 'a branch',
        file: 'refs/heads/choo',
        ...place,
      },
    ];
    const check = renderPlanCheck(shown({ ...plan, problems: { ...plan.problems, list } }));
    expect(check.conclusion).toBe('failure');
    expect(check.title).toBe('1 error in the plan');
    expect(check.annotations.map(({ path }) => path)).toEqual(['a.md', error?.file]);
    expect(check.annotations[1]).toMatchInlineSnapshot(`
      {
        "annotation_level": "failure",
        "end_column": 14,
        "end_line": 2,
        "message": "there is no unit of this name",
        "path": "specs/tasks/web/IMPLEMENTATION_PLAN.md",
        "start_column": 14,
        "start_line": 2,
        "title": "unit-dependency-unknown",
      }
    `);
    const rows = check.summary.split('\n').filter((line) => /^\| (?:error|notice)/.test(line));
    expect(rows.map((row) => row.split(' ')[1])).toEqual(['error', 'error', 'notice']);
    expect(check.summary).toContain('`refs/heads/choo`:1');
  });

  test('annotations keep to one line each and show what is hidden', async () => {
    const plan = await planOf(unitFiles('web'));
    const problem = {
      severity: 'error',
      code: 'unit-name',
      message: 'a\u202eb\nc',
      file: 'f',
      line: 2,
      column: 3,
    } as const;
    const problems = { errors: 1, warnings: 0, notices: 0, dropped: 0, list: [{ ...problem, hint: 'do' }] };
    expect(renderPlanCheck(shown({ ...plan, problems })).annotations).toEqual([
      {
        path: 'f',
        start_line: 2,
        end_line: 2,
        start_column: 3,
        end_column: 3,
        annotation_level: 'failure',
        title: 'unit-name',
        message: 'a<U+202E>b\\nc\ndo',
      },
    ]);
  });

  test('titles and gates from the repository say only what they say', async () => {
    const plan = await planOf(
      hostileUnit('**x** @ann #1 | --> `y` </details>', 'true | echo `x` </details>'),
    );
    const { summary, text } = renderPlanCheck(shown(plan));
    expect(summary.split('\n').find((line) => line.startsWith('| `a`'))).toMatchInlineSnapshot(
      `"| \`a\` | \\*\\*x\\*\\* @​ann \\#​1 \\| \\-\\-\\> \\\`y\\\` \\</details\\> | run | 1 | claude (default) |"`,
    );
    expect(text.split('\n').find((line) => line.startsWith('| `a`'))).toMatchInlineSnapshot(
      `"| \`a\` | 1 | \\*\\*x\\*\\* @​ann \\#​1 \\| \\-\\-\\> \\\`y\\\` \\</details\\> | <code>true &#x7c; echo &#x60;x&#x60; &#x3c;&#x2f;details&#x3e;</code> |"`,
    );
    expect(text.match(/<\/details>/g)).toHaveLength(1);
  });

  test.each([
    ['beside each other', (): string[] => []],
    ['in a row', (index: number): string[] => (index === 0 ? [] : [`unit-${index - 1}`])],
  ])('2,000 units %s stay below what GitHub takes', async (_, dependsOn) => {
    const files = Array.from({ length: 2_000 }, (_, index) =>
      unitFiles(`unit-${index}`, { dependsOn: dependsOn(index) }),
    );
    const check = renderPlanCheck(shown(await planOf(Object.assign({}, ...files) as Record<string, string>)));
    expect(check.summary.length).toBeLessThanOrEqual(MAX_BODY_LENGTH);
    expect(check.text.length).toBeLessThanOrEqual(MAX_BODY_LENGTH);
    expect(check.summary).toMatch(/… and \d+ more\./);
    expect(check.text).toMatch(/### Waves[\s\S]*more[\s\S]*### Gates/);
  });
});
