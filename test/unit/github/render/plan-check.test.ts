import { describe, expect, test } from 'vitest';
import { MAX_BODY_LENGTH } from '../../../../src/github/render/markdown.ts';
import { renderPlanCheck, type PlanCheckInput } from '../../../../src/github/render/plan-check.ts';
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
    limits: null,
    keys: new Map(),
    changed: new Set(),
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
        keys: new Map([
          ['api', 'changed'],
          ['web', 'new'],
        ]),
        changed: new Set(['api']),
        configNote: 'The last good configuration holds.',
        limits: { run_cost: 100, run_tokens: 20_000_000 },
      }),
    );
    expect(check.title).toMatchInlineSnapshot(`"2 units in 2 waves"`);
    expect(check.conclusion).toBe('success');
    expect(check.summary).toMatchInlineSnapshot(`
      "Specs at aaaaaaaaaaaa, configuration at cccccccccccc (defaults).

      The last good configuration holds.

      Critical path: \`api\` → \`web\`, 2 tasks. At most 4 units at a time.

      A run spends at most $100 and 20,000,000 tokens.

      | Unit | Title | Wave | State | Work | Tasks | Provider | Builds on |
      | --- | --- | --- | --- | --- | --- | --- | --- |
      | \`api\` ✎ | A unit | 1 | to do | changed | 2 | claude (default) |  |
      | \`web\` | A unit | 2 | to do | new | 1 | codex (unit) | \`api\` |

      ✎ changed here

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
      `"| \`a\` | \\*\\*x\\*\\* @​ann \\#​1 \\| \\-\\-\\> \\\`y\\\` \\</details\\> | 1 | to do |  | 1 | claude (default) |  |"`,
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
