import { describe, expect, test } from 'vitest';
import { type AgentWorld, openAgentWorld, print } from '../../helpers/agent-world.ts';

/** A message of Claude Code's stream: a million tokens in and a thousand out. */
const message = (model: string) => ({
  type: 'assistant',
  message: {
    id: 'a',
    model,
    content: [{ type: 'text', text: 'Working' }],
    usage: { input_tokens: 1_000_000, output_tokens: 1_000 },
  },
});
const KILLED = 'kill -9 $$';
const codexTurn = (tokens: object) => ({ type: 'turn.completed', usage: tokens });

const lastDone = (world: AgentWorld) => world.of('task.provider.done').at(-1);

describe('what an attempt costs', () => {
  test('is computed from tokens where the CLI is killed before it tells', async () => {
    await using world = await openAgentWorld('claude', `${print(message('claude-opus-5-5'))}\n${KILLED}`);
    await world.attempt();
    expect(lastDone(world)).toMatchObject({ outcome: 'failed', tokens: 1_001_000, basis: 'computed' });
    expect(lastDone(world)?.cost).toBeCloseTo(4.02);
  });

  test.each([
    ['claude', 'claude-fable-5-1', print(message('claude-opus-5-5'), message('<synthetic>')), 4.02],
    [
      'codex',
      'gpt-5.4',
      print(codexTurn({ input_tokens: 1_000_000, cached_input_tokens: 500_000, output_tokens: 10_000 })),
      1.525,
    ],
    [
      'gemini',
      'gemini-2.5-pro',
      print({
        type: 'result',
        status: 'success',
        stats: { total_tokens: 1_010_000, input_tokens: 1_000_000, output_tokens: 10_000, cached: 0 },
      }),
      1.35,
    ],
    [
      'opencode',
      'anthropic/claude-sonnet-4.5',
      print({
        type: 'step_finish',
        part: { reason: 'stop', cost: 0, tokens: { input: 1_000_000, output: 10_000 } },
      }),
      3.15,
    ],
  ] as const)('is computed for %s and %s', async (cli, model, script, cost) => {
    await using world = await openAgentWorld(cli, script, { model });
    await world.attempt();
    expect(lastDone(world)).toMatchObject({ outcome: 'finished', basis: 'computed' });
    expect(lastDone(world)?.cost).toBeCloseTo(cost);
  });

  test('is what the CLI tells', async () => {
    const result = { type: 'result', subtype: 'success', is_error: false, total_cost_usd: 0.25 };
    await using world = await openAgentWorld('claude', print(message('claude-opus-5-5'), result));
    await world.attempt();
    expect(lastDone(world)).toMatchObject({ cost: 0.25, basis: 'told' });
  });

  test.each([
    ['the price is not known', 'claude', print(message('house-model-1'))],
    ['the CLI is killed without a word', 'claude', ''],
    [
      'it tells no tokens',
      'codex',
      print({ type: 'item.completed', item: { type: 'agent_message', text: 'Hi' } }),
    ],
  ] as const)('is what was set aside where %s', async (_, cli, script) => {
    await using world = await openAgentWorld(cli, `${script}\n${KILLED}`, {
      limits: { tokens: 20_000_000, cost: 10 },
    });
    await world.attempt();
    expect(lastDone(world)).toMatchObject({ cost: 1, basis: 'reserved' });
  });

  test('reaches a limit of money, however often the CLI is killed', async () => {
    await using world = await openAgentWorld('claude', KILLED, { limits: { cost: 10 } });
    const attempts = async (): Promise<void> => {
      for (let made = 0; made < 30; made += 1) await world.attempt();
    };
    await expect(attempts()).rejects.toMatchObject({ end: { failure: 'budget' } });
    expect(world.of('task.provider.invoke')).toHaveLength(10);
  });

  test('is not known where no money is limited and the price is not known', async () => {
    await using world = await openAgentWorld('claude', print(message('house-model-1')));
    await world.attempt();
    expect(lastDone(world)).toMatchObject({ tokens: 1_001_000, cost: null, basis: null });
  });

  test('is nothing where the provider took no work', async () => {
    const limit = print({ type: 'turn.failed', error: { message: "You've hit your usage limit." } });
    const script = `if [ -e met ]; then exit 0; fi; touch met\n${limit}\nexit 1`;
    await using world = await openAgentWorld('codex', script, {
      limits: { cost: 10 },
      patience: { firstMs: 5 },
    });
    await world.attempt();
    expect(world.of('task.provider.done')[0]).toMatchObject({
      outcome: 'rate-limited',
      tokens: 0,
      cost: null,
    });
  });

  test('stops an agent that is told nothing of money by its CLI at a limit of money', async () => {
    const script = `${print(message('claude-opus-5-5'))}\nsleep 20`;
    await using world = await openAgentWorld('claude', script, { limits: { cost: 1 } });
    expect(await world.attempt()).toMatchObject({ overBudget: true });
  });
});
