import { describe, expect, test } from 'vitest';
import { renderMermaid } from '../../../src/plan/mermaid.ts';
import { renderPlan } from '../../../src/plan/text.ts';
import { planOf, unitFiles } from '../../helpers/plan-of.ts';

const plain = { width: 80, paint: (_: string, text: string) => text };

const WORLD = {
  ...unitFiles('base', { statuses: ['complete'] }),
  ...unitFiles('api', { dependsOn: ['base'], statuses: ['complete', 'pending'] }),
  ...unitFiles('web', { provider: 'codex' }),
  ...unitFiles('app', { dependsOn: ['api', 'web', 'base'] }),
  ...unitFiles('late', { dependsOn: ['gone'] }),
  ...unitFiles('later', { dependsOn: ['late'] }),
  '.choo.yml':
    'baseline_checks: [{ name: lint, command: npm run lint, pattern: "**/*.ts" }]\nworktree: { setup: [{ command: npm ci, if: package.json }] }\n',
};

describe('the plan as text', () => {
  test('tells waves, tasks, gates, providers, what frames them and what is wrong', async () => {
    expect(renderPlan(await planOf(WORLD), plain)).toMatchInlineSnapshot(`
      "3 units in 2 waves, 3 tasks to do
      specs/tasks in project

      Wave 1
        api  1 of 2 done  claude (default)  after base
         ✓ 1  Step 1 of api  $ make api-1
           2  Step 2 of api  $ make api-2
        web  1 task       codex (unit)
           1  Step 1 of web  $ make web-1

      Wave 2
        app  1 task  claude (default)  after api, web, base
           1  Step 1 of app  $ make app-1

      Broken, see the problems
        late

      Waits for a broken unit
        later

      Complete, not verified
        base

      Critical path  2 tasks: api -> app
      Setup          $ npm ci (if package.json exists)
      Baseline       lint: $ npm run lint (if **/*.ts changed)
      Parallelism    4

      1 error
      specs/tasks/late/IMPLEMENTATION_PLAN.md:2:14 error there is no unit of this name (got \`gone\`)
        hint: one of: api, app, base, later, web
      "
    `);
  });

  test('keeps to the width it is given, whatever the units are called', async () => {
    const long = 'a-unit-with-quite-a-long-name-'.repeat(3).slice(0, 90);
    const files = {
      ...unitFiles(long),
      ...unitFiles('b', { dependsOn: [long, long.slice(0, 80)] }),
      ...unitFiles(long.slice(0, 80)),
    };
    const titled = {
      ...files,
      [`specs/tasks/b/01-step.md`]:
        files['specs/tasks/b/01-step.md']?.replace('Step 1', '漢字 '.repeat(40)) ?? '',
    };
    const lines = renderPlan(await planOf(titled), plain).split('\n');
    const { default: stringWidth } = await import('fast-string-width');
    // A name of 90 characters cannot be cut without lying about it; everything else fits.
    expect(lines.filter((line) => stringWidth(line) > 80 && !line.includes(long.slice(0, 80)))).toEqual([]);
  });

  test('leaves tasks out when there are many units, and says how many waves there are', async () => {
    const files = Object.assign({}, ...Array.from({ length: 60 }, (_, i) => unitFiles(`u${i}`)));
    const text = renderPlan(await planOf(files), plain);
    expect(text).toContain('60 units in 1 wave, 60 tasks to do');
    expect(text).not.toContain('$ make');
  });

  test('spells out what a terminal would obey', async () => {
    const files = {
      ...unitFiles('a'),
      'specs/tasks/a/01-step.md':
        '---\ntask: 1\nbackpressure: "printf \\u001b[2J"\n---\n# T\u001B]0;x\u0007\n',
    };
    const text = renderPlan(await planOf(files), plain);
    expect(text).not.toMatch(/[\u001B\u0007]/);
    expect(text).toContain('<U+001B>');
  });
});

describe('the plan as Mermaid', () => {
  test('draws every unit with its state, and no edge that others imply', async () => {
    expect(renderMermaid(await planOf(WORLD))).toMatchInlineSnapshot(`
      "flowchart LR
        u0["api<br/>2 tasks, claude"]:::planned
        u1["app<br/>1 task, claude"]:::planned
        u2["base<br/>1 task"]:::complete
        u3["late<br/>broken"]:::broken
        u4["later<br/>1 task, claude"]:::stuck
        u5["web<br/>1 task, codex"]:::planned
        u0 --> u1
        u2 --> u0
        u3 --> u4
        u5 --> u1
        classDef planned fill:#ddf4ff,stroke:#0969da,color:#1f2328
        classDef complete fill:#dafbe1,stroke:#1a7f37,color:#1f2328
        classDef broken fill:#ffebe9,stroke:#cf222e,color:#1f2328
        classDef stuck fill:#fff8c5,stroke:#9a6700,color:#1f2328
      "
    `);
  });

  test('draws units on a cycle with all their edges', async () => {
    const files = { ...unitFiles('a', { dependsOn: ['b'] }), ...unitFiles('b', { dependsOn: ['a'] }) };
    const text = renderMermaid(await planOf(files));
    expect(text).toContain('u0 --> u1');
    expect(text).toContain('u1 --> u0');
  });

  test('draws waves instead of units above 150 nodes', async () => {
    const files = Object.assign(
      {},
      ...Array.from({ length: 151 }, (_, i) =>
        unitFiles(`u${i}`, { dependsOn: i > 100 ? [`u${i - 100}`] : [] }),
      ),
    );
    expect(renderMermaid(await planOf(files))).toMatchInlineSnapshot(`
      "flowchart LR
        w1["Wave 1<br/>101 units, 101 tasks"]:::planned
        w2["Wave 2<br/>50 units, 50 tasks"]:::planned
        w1 --> w2
        classDef planned fill:#ddf4ff,stroke:#0969da,color:#1f2328
      "
    `);
  });

  test('escapes names that would be read as Mermaid or HTML', async () => {
    const files = Object.fromEntries(
      Object.entries(unitFiles('evil')).map(([path, text]) => [
        path.replace('evil', 'x"]; click u0 "<b>&#'),
        text,
      ]),
    );
    const text = renderMermaid(await planOf(files));
    expect(text).toContain('u0["x#34;#93;#59; click u0 #34;#60;b#62;#38;#35;<br/>broken"]');
  });
});
