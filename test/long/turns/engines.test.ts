import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/events/event.ts';
import { runLocally, runOnServer, type Scenario } from '../../helpers/engines.ts';
import { git } from '../../helpers/git-repository.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

/** A task that writes a file, and whose gate looks for it. */
const writes = (file: string, text = file) => ({ gate: `test -e ${file}`, sh: `echo ${text} > ${file}` });
const red = { gate: 'test -e never', sh: 'echo tried > tried' };
const ATTEMPTS = 'limits:\n  attempts: 2\n';
const chain = { a: { tasks: [writes('one'), writes('two')] }, b: { dependsOn: ['a'], tasks: [writes('b')] } };

const place = await temporaryDirectory();
afterAll(async () => place[Symbol.asyncDispose]());
/** A stand-in for Claude Code that goes on, and says what each step has used. */
const SPENDER = join(place.path, 'spender');
const STEP = JSON.stringify({
  type: 'assistant',
  message: {
    id: 'STEP',
    content: [{ type: 'text', text: 'step' }],
    usage: { input_tokens: 100, output_tokens: 0 },
  },
});
writeFileSync(
  SPENDER,
  `#!/bin/sh\ncat > /dev/null\nfor i in $(seq 600); do echo '${STEP}' | sed "s/STEP/$i/"; sleep 0.05; done\n`,
  { mode: 0o755 },
);

/** How each unit ends, by the last event of it and, where it failed, why. */
type Ends = Readonly<Record<string, string>>;

const SCENARIOS: readonly (readonly [name: string, scenario: Scenario, ends: Ends])[] = [
  ['a chain that completes', { spec: { units: chain } }, { a: 'unit.completed', b: 'unit.completed' }],
  [
    'a failure in the middle',
    {
      spec: {
        units: {
          a: { tasks: [writes('a')] },
          b: { dependsOn: ['a'], tasks: [red] },
          c: { dependsOn: ['b'], tasks: [writes('c')] },
          d: { tasks: [writes('d')] },
        },
        config: ATTEMPTS,
      },
    },
    { a: 'unit.completed', b: 'unit.failed attempts', c: 'unit.blocked b', d: 'unit.completed' },
  ],
  [
    'work that was verified before',
    { spec: { units: chain }, earlier: {} },
    { a: 'unit.satisfied', b: 'unit.satisfied' },
  ],
  [
    'work whose pull request was closed',
    { spec: { units: chain }, earlier: { outcome: 'rejected' } },
    { a: 'unit.failed needs-human', b: 'unit.blocked a' },
  ],
  [
    'work that was merged and taken back',
    { spec: { units: chain }, earlier: { outcome: 'reverted' } },
    { a: 'unit.completed', b: 'unit.completed' },
  ],
  [
    'work that was merged',
    { spec: { units: chain }, earlier: { outcome: 'merged' } },
    { a: 'unit.satisfied', b: 'unit.satisfied' },
  ],
  [
    'a provider that is not on the machine',
    {
      spec: {
        units: { a: { provider: 'codex', tasks: [writes('a')] } },
        config: '  providers: { codex: { command: /nowhere/codex } }\n',
      },
    },
    { a: 'unit.failed environment' },
  ],
  [
    'an engine that is asked to stop',
    {
      spec: { units: { a: { tasks: [{ gate: 'test -e a', sh: 'sleep 60' }] } } },
      stopAt: 'task.provider.invoke',
    },
    { a: 'unit.released' },
  ],
  [
    'a run that is cancelled',
    {
      spec: {
        units: {
          a: { tasks: [{ gate: 'test -e a', sh: 'sleep 60' }] },
          b: { dependsOn: ['a'], tasks: [writes('b')] },
        },
      },
      cancel: { at: 'task.provider.invoke', units: [] },
    },
    { a: 'unit.cancelled', b: 'unit.cancelled' },
  ],
  [
    'a unit that is cancelled',
    {
      spec: {
        units: {
          a: { tasks: [{ gate: 'test -e a', sh: 'sleep 60' }] },
          b: { dependsOn: ['a'], tasks: [writes('b')] },
        },
      },
      cancel: { at: 'task.provider.invoke', units: ['a'] },
    },
    { a: 'unit.cancelled', b: 'unit.blocked a' },
  ],
  [
    'a gate that passes only beside what git ignores',
    {
      spec: {
        units: {
          a: { tasks: [{ gate: 'test -e a && test -e scratch', sh: 'echo a > a; echo a > scratch' }] },
        },
        files: { '.gitignore': 'scratch\n' },
      },
    },
    { a: 'unit.failed verify' },
  ],
  [
    'dependencies that do not merge',
    {
      spec: {
        units: {
          a: { tasks: [writes('same', 'a')] },
          b: { tasks: [writes('same', 'b')] },
          c: { dependsOn: ['a', 'b'], tasks: [writes('c')] },
        },
      },
    },
    { a: 'unit.completed', b: 'unit.completed', c: 'unit.failed conflict' },
  ],
  [
    'a branch that a person made',
    {
      spec: { units: { a: { tasks: [writes('a')] } } },
      prepare: async (repository) => void (await git(repository, 'branch', 'choo/unit/main/a')),
    },
    { a: 'unit.failed needs-human' },
  ],
  [
    'a budget that is used up',
    {
      spec: {
        units: { a: { provider: 'claude', tasks: [{ gate: 'test -e a' }] } },
        config: `  providers: { claude: { command: ${SPENDER} } }\nlimits:\n  unit_tokens: 1000\n`,
      },
    },
    { a: 'unit.failed budget' },
  ],
];

/** The types of the events of a unit; '' stands for the run itself. What an agent has used so far comes whenever it does. */
function storiesOf(events: readonly RunEvent[]): Readonly<Record<string, readonly string[]>> {
  const told = events.filter(({ type }) => type !== 'task.provider.usage');
  const byUnit = Map.groupBy(told, (event) => ('unit' in event ? event.unit : ''));
  return Object.fromEntries([...byUnit].map(([unit, of]) => [unit, of.map(wordsOf)]));
}

function wordsOf(event: RunEvent): string {
  if (event.type === 'unit.failed') return `${event.type} ${event.failure}`;
  return event.type === 'unit.blocked' ? `${event.type} ${event.cause}` : event.type;
}

/** The worktree of a unit that was cancelled goes after its last event. */
const isOfUnit = (event: string): boolean => event.startsWith('unit.');

describe('both engines tell the same of', () => {
  test.each(SCENARIOS)(
    '%s',
    async (_, scenario, ends) => {
      const local = storiesOf(await runLocally(scenario));
      const server = storiesOf(await runOnServer(scenario));
      const { '': ofRun, ...units } = local;
      expect(
        Object.fromEntries(Object.entries(units).map(([id, story]) => [id, story.findLast(isOfUnit)])),
      ).toEqual(ends);
      const isStopped = scenario.stopAt !== undefined;
      expect(server).toEqual({ ...units, '': isStopped ? ofRun?.slice(0, -1) : ofRun });
    },
    120_000,
  );
});
