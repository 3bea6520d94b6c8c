import { describe, expect, test, vi } from 'vitest';
import { CHOO } from '../helpers/run-choo.ts';
import { makeProject, type ProjectSpec } from '../helpers/spec-project.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { hasTmux, openScreen } from '../helpers/tmux.ts';

const tmux = await hasTmux();

/** Asks a question that nobody will answer: its last line has no end. */
const ASKS = `echo fetching; printf 'Username for x.example: ' >&2; sleep 600`;
/** Shows how far it is, always in the same line. */
const COUNTS = `printf '10 of 90\\r20 of 90\\r'; sleep 600`;
/** Says nothing at all. */
const SILENT = 'sleep 600';

const once = (gate: string): ProjectSpec['units'] => ({ api: { tasks: [{ gate, sh: 'touch made' }] } });
const setUp = (phase: 'setup' | 'teardown', command: string): string =>
  `worktree:\n  ${phase}:\n    - command: ${JSON.stringify(command)}\n`;
const check = (command: string): string =>
  `baseline_checks:\n  - { name: whole, command: ${JSON.stringify(command)} }\n`;

describe.skipIf(!tmux)('a command that hangs, in the live view (needs tmux)', () => {
  test.each<[string, ProjectSpec, RegExp]>([
    [
      'set-up',
      { units: once('"true"'), config: setUp('setup', ASKS) },
      /setting up: Username for x\.example:/,
    ],
    ['gate', { units: once(JSON.stringify(COUNTS)) }, /gate: 20 of 90/],
    ['baseline check', { units: once('"true"'), config: check(ASKS) }, /: Username for x\.example:/],
  ])('shows what a %s printed last', async (_, spec, expected) => {
    await using project = await makeProject(spec);
    await using place = await temporaryDirectory();
    const environment = Object.entries(project.environment).map((pair) => pair.join('='));
    const command = ['env', ...environment, ...CHOO, 'run', '--sandbox', 'host', project.path].join(' ');
    await using screen = await openScreen(place.path, command, { columns: 120 });
    await vi.waitFor(async () => expect((await screen.read()).join('\n')).toMatch(expected), {
      timeout: 20_000,
      interval: 100,
    });
    await screen.press('C-c');
    await vi.waitFor(async () => expect((await screen.read()).join('\n')).toContain('Not finished'), {
      timeout: 20_000,
      interval: 100,
    });
  });
});

describe('a command that was ended by time', () => {
  const LIMITS = 'limits: { gate_timeout: 1s, attempts: 1 }\n';

  test.each<[string, ProjectSpec, Record<string, unknown>]>([
    [
      'set-up',
      { units: once('"true"'), config: LIMITS + setUp('setup', ASKS) },
      { type: 'unit.failed', hint: expect.stringContaining('Username for x.example:') },
    ],
    [
      'set-up that counts in one line',
      { units: once('"true"'), config: LIMITS + setUp('setup', COUNTS) },
      { type: 'unit.failed', hint: '[choo: ended after 1 s; the last it printed: 20 of 90]' },
    ],
    [
      'silent set-up',
      { units: once('"true"'), config: LIMITS + setUp('setup', SILENT) },
      { type: 'unit.failed', hint: '[choo: ended after 1 s; it printed nothing]' },
    ],
    [
      'teardown',
      { units: once('"true"'), config: LIMITS + setUp('teardown', ASKS) },
      {
        type: 'unit.notice',
        code: 'teardown',
        message: expect.stringMatching(/not done after 1 s.*the last it printed: Username for x\.example:/),
      },
    ],
    [
      'gate',
      { units: once(JSON.stringify(COUNTS)), config: LIMITS },
      { type: 'unit.failed', hint: '[choo: ended after 1 s; the last it printed: 20 of 90]' },
    ],
    [
      'silent gate',
      { units: once(JSON.stringify(SILENT)), config: LIMITS },
      { type: 'unit.failed', hint: '[choo: ended after 1 s; it printed nothing]' },
    ],
    [
      'baseline check',
      { units: once('"true"'), config: LIMITS + check(COUNTS) },
      {
        type: 'baseline.fail',
        tail: expect.stringMatching(/\n\[choo: ended after 1 s; the last it printed: 20 of 90\]$/),
      },
    ],
  ])('says what it printed last: a %s', async (_, spec, expected) => {
    await using project = await makeProject(spec);
    const { events } = await project.run();
    expect(events).toContainEqual(expect.objectContaining(expected));
  });
});
