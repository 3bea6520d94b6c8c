import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

const workflow = z
  .object({
    permissions: z.record(z.string(), z.string()),
    jobs: z.record(
      z.string(),
      z.object({
        'runs-on': z.string(),
        'timeout-minutes': z.number(),
        steps: z.array(
          z.object({ uses: z.string().optional(), run: z.string().optional(), if: z.string().optional() }),
        ),
      }),
    ),
  })
  .parse(parse(read('.github/workflows/test.yml')));
const jobs = Object.values(workflow.jobs);
const steps = jobs.flatMap((job) => job.steps);
const commands = steps.filter(({ run }) => run?.startsWith('script/'));
const preparation = steps.filter((step) => step.run !== undefined && !commands.includes(step));
const ci = read('.ci/run');

describe('the workflow at GitHub', () => {
  test('runs the commands of .ci/run, each once and in the same order', () => {
    const expected = Array.from(ci.matchAll(/^(script\/.*) \|\| status=1$/gm), (match) => match[1]);
    expect(expected).toContain('script/test'); // else nothing was read
    expect(commands.map(({ run }) => run)).toEqual(expected);
  });

  test('only prepares the machine beside that', () => {
    expect(preparation.filter(({ run }) => /\b(?:script|npm|npx|node|vitest)\b/.test(run ?? ''))).toEqual([]);
    const last = Math.max(...preparation.map((step) => steps.indexOf(step)));
    expect(Math.min(...commands.map((step) => steps.indexOf(step)))).toBeGreaterThan(last);
  });

  test('installs what .ci/run installs, and lets bubblewrap make user namespaces', () => {
    const lines = ci.replaceAll('\\\n', ' ').matchAll(/apt-get install -y -qq ([^\n>|]+)/g);
    const installed = Array.from(lines, (match) =>
      (match[1] ?? '').split(' ').filter((word) => word !== ''),
    ).flat();
    expect(installed).toContain('bubblewrap'); // else nothing was read
    const text = preparation.map(({ run }) => run).join('\n');
    for (const name of installed) expect(text).toMatch(new RegExp(`apt-get install .* ${name}(?: |$)`, 'm'));
    expect(text).toContain('kernel.apparmor_restrict_unprivileged_userns=0');
  });

  test('goes on to the next command when one fails, as .ci/run does', () => {
    expect(commands.slice(1).map((step) => step.if)).toEqual(
      commands.slice(1).map(() => '${{ !cancelled() }}'),
    );
  });

  test('may only read, ends by itself, and uses actions by commit', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const job of jobs) {
      expect(job['timeout-minutes']).toBeLessThanOrEqual(60);
      expect(job['runs-on']).toMatch(/^ubuntu-\d/);
    }
    const actions = steps.flatMap(({ uses }) => uses ?? []);
    expect(actions.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });

  test('and .nvmrc names the Node that script/bootstrap fetches', () => {
    const version = /^node_version=(\S+)$/m.exec(read('script/bootstrap'))?.[1];
    expect(read('.nvmrc').trim()).toBe(version);
  });
});
