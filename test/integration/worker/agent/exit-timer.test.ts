import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { openAgentWorld, print } from '../../../helpers/agent-world.ts';
import { liveProcesses } from '../../../helpers/live-processes.ts';

const said = (result: string, fields: object = {}) => ({
  type: 'result',
  subtype: 'success',
  is_error: false,
  result,
  total_cost_usd: 0.5,
  ...fields,
});
const text = (words: string) => ({
  type: 'assistant',
  message: { content: [{ type: 'text', text: words }] },
});
/** It hangs with a child; `mark` is seen in the process list. */
const hang = (mark: string): string => `(trap '' TERM; sleep 300.${mark}) &\nsleep 300.${mark}`;

const running = (mark: string): Promise<readonly string[]> =>
  liveProcesses(new RegExp(`^sleep 300\\.${mark}$`));

describe('an agent that has said its last word and does not exit', () => {
  test.each([
    ['claude', '171', [said('Done')], 'finished'],
    ['claude', '172', [said('API Error: 401', { is_error: true })], 'not-authenticated'],
    ['codex', '173', [{ type: 'turn.completed', usage: { input_tokens: 7, output_tokens: 3 } }], 'finished'],
    ['gemini', '174', [{ type: 'result', status: 'success' }], 'finished'],
    ['opencode', '175', [{ type: 'step_finish', part: { reason: 'stop' } }], 'finished'],
  ] as const)('%s (%s) is ended, and what it said counts', async (cli, mark, lines, outcome) => {
    const options = { patience: { exitMs: 300 }, idleMs: 3_000 };
    await using world = await openAgentWorld(cli, `${print(...lines)}\n${hang(mark)}`, options);
    await world.attempt().catch(() => {}); // some outcomes end the unit
    expect(world.of('task.provider.done')).toMatchObject([{ outcome }]);
    expect(await running(mark)).toEqual([]);
  });

  test('has not stalled either where less than ten seconds of silence are allowed', async () => {
    await using world = await openAgentWorld('claude', `${print(said('Done'))}\n${hang('176')}`, {
      idleMs: 300,
    });
    expect(await world.attempt()).toMatchObject({ outcome: { kind: 'finished' } });
    expect(await running('176')).toEqual([]);
  });

  test('is not ended while it goes on', async () => {
    const steps = [1, 2, 3, 4, 5, 6].map((step) => `sleep 0.2\n${print(text(`step ${step}`))}`);
    const script = [print(said('Not yet')), ...steps, 'sleep 1', 'touch last', print(said('Done'))].join(
      '\n',
    );
    await using world = await openAgentWorld('claude', script, { patience: { exitMs: 500 } });
    expect(await world.attempt()).toMatchObject({ outcome: { kind: 'finished' } });
    expect((await execa('ls', [world.path])).stdout).toBe('last');
  });
});
