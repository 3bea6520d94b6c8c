import { describe, expect, test } from 'vitest';
import type { ModelScript, Step } from '../../helpers/model-server/script.ts';
import { type ModelServer, startModelServer } from '../../helpers/model-server/server.ts';

// The real CLIs talk to the server in test/agents; here is what those tests trust blindly.

const WRITE: Step = { write: { path: 'a.txt', content: "it's\n" }, usage: { input: 3, output: 2 } };
const ROLES = { messages: '/v1/messages', responses: '/v1/responses' } as const;

function scriptOf(...steps: readonly Step[]): ModelScript {
  return { rules: [{ match: /unit A/, steps }] };
}

/** Asks as claude does: the prompt, and one result for each tool that has returned. */
async function ask(
  server: ModelServer,
  { prompt = 'unit A', returned = 0, stream = false, key = 'k', tools = ['Bash'] } = {},
) {
  const messages = [
    { role: 'user', content: [{ type: 'text', text: prompt }] },
    ...Array.from({ length: returned }, (_, at) => ({
      role: 'user',
      content: [{ type: 'tool_result', content: `result ${at}` }],
    })),
  ];
  const response = await fetch(`${server.url}${ROLES.messages}?beta=true`, {
    method: 'POST',
    headers: { 'x-api-key': key },
    body: JSON.stringify({ model: 'm', stream, messages, tools: tools.map((name) => ({ name })) }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

describe('the model server', () => {
  test('plays the steps of a rule, as far as tools have returned', async () => {
    await using server = await startModelServer(scriptOf(WRITE, { bash: 'make' }, { text: 'The end.' }));
    const answers = await Promise.all(
      [0, 1, 2].map(async (returned) => JSON.parse((await ask(server, { returned })).text)),
    );
    expect(answers.map(({ stop_reason }) => stop_reason)).toEqual(['tool_use', 'tool_use', 'end_turn']);
    expect(answers[0]).toMatchObject({
      content: [{ name: 'Bash', input: { command: expect.stringContaining(`'it'\\''s\n'`) } }],
      usage: { input_tokens: 3, output_tokens: 2 },
    });
    expect(answers[1]).toMatchObject({
      content: [{ input: { command: 'make' } }],
      usage: { input_tokens: 0 },
    });
    expect(answers[2]).toMatchObject({ content: [{ type: 'text', text: 'The end.' }] });
  });

  test('answers a prompt that no rule fits with an error', async () => {
    await using server = await startModelServer(scriptOf({ text: 'x' }));
    expect(await ask(server, { prompt: 'unit B' })).toMatchObject({ status: 400 });
  });

  test('answers questions on the side without the script', async () => {
    await using server = await startModelServer(
      scriptOf({ error: { status: 500, type: 'x', message: 'x' } }),
    );
    expect(await ask(server, { tools: [] })).toMatchObject({ status: 200 });
  });

  test('gives an error as often as it is told to, for each prompt', async () => {
    const error = { status: 529, type: 'overloaded_error', message: 'no', times: 2, retryAfter: 3 };
    await using server = await startModelServer(scriptOf({ error }, { text: 'x' }));
    const statuses: number[] = [];
    for (const prompt of ['unit A', 'unit A', 'unit A', 'unit A again'])
      statuses.push((await ask(server, { prompt })).status);
    expect(statuses).toEqual([529, 529, 200, 529]);
    expect((await ask(server, { prompt: 'unit A more' })).headers.get('retry-after')).toBe('3');
  });

  test('lets in one key only', async () => {
    await using server = await startModelServer({ ...scriptOf({ text: 'x' }), key: 'right' });
    expect([(await ask(server)).status, (await ask(server, { key: 'right' })).status]).toEqual([401, 200]);
  });

  test('streams whole texts and whole inputs in pieces', async () => {
    const text = 'A text that is longer than one piece of a stream, surely.';
    await using server = await startModelServer(scriptOf({ text }));
    const { text: stream } = await ask(server, { stream: true });
    const events = stream
      .split('\n')
      .flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []));
    const deltas = events.filter(({ type }) => type === 'content_block_delta').map(({ delta }) => delta.text);
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.join('')).toBe(text);
    expect(events.at(-1)).toEqual({ type: 'message_stop' });
  });

  test('cuts the connection, and keeps silent', async () => {
    await using server = await startModelServer(scriptOf({ cut: true }));
    await expect(ask(server, { stream: true })).rejects.toThrow(/terminated|fetch failed|other side closed/);
    await using silent = await startModelServer(scriptOf({ hang: true }));
    const answer = ask(silent);
    await expect.poll(() => silent.log.length).toBe(1);
    await silent[Symbol.asyncDispose]();
    await expect(answer).rejects.toThrow(/terminated|fetch failed|other side closed/);
  });

  test('offers the Responses of OpenAI, tools in namespaces among them', async () => {
    await using server = await startModelServer(
      scriptOf({ bash: 'make', usage: { input: 5, cacheRead: 2 } }),
    );
    const tools = [{ type: 'namespace', name: 'functions', tools: [{ type: 'custom', name: 'exec' }] }];
    const input = [
      { type: 'additional_tools', tools },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'unit A' }] },
    ];
    const response = await fetch(`${server.url}${ROLES.responses}`, {
      method: 'POST',
      body: JSON.stringify({ model: 'm', stream: true, input }),
    });
    const last = (await response.text()).trim().split('\ndata: ').at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({
      type: 'response.completed',
      response: {
        output: [
          {
            type: 'custom_tool_call',
            name: 'exec',
            namespace: 'functions',
            input: expect.stringContaining('"make"'),
          },
        ],
        usage: { input_tokens: 7, input_tokens_details: { cached_tokens: 2 } },
      },
    });
  });

  test('notes every request', async () => {
    await using server = await startModelServer(scriptOf({ bash: 'make' }, { text: 'x' }));
    await ask(server, { returned: 1 });
    expect(server.log).toEqual([
      {
        path: '/v1/messages',
        model: 'm',
        prompt: 'unit A',
        results: ['result 0'],
        key: 'k',
        step: { text: 'x' },
      },
    ]);
  });
});
