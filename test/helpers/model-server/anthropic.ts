import type { ServerResponse } from 'node:http';
import { type Conversation, findCwd, type Json, objectsOf, textOf } from './conversation.ts';
import { newId, piecesOf, sendJson, startEvents } from './event-stream.ts';
import { toolCall } from './tool-call.ts';
import type { Answer, WireFormat } from './wire-format.ts';

/** Anthropic's Messages. */
export const anthropic: WireFormat = {
  readConversation,
  errorBody: (error) => ({ type: 'error', error, request_id: newId('req') }),
  answer,
};

function readConversation(body: Json): Conversation {
  const messages = objectsOf(body['messages']);
  const blocks = messages
    .filter(({ role }) => role === 'user')
    .flatMap(({ content }) =>
      typeof content === 'string' ? [{ type: 'text', text: content }] : objectsOf(content),
    );
  const texts = blocks.filter(({ type }) => type === 'text').map(({ text }) => String(text));
  return {
    prompt: texts.filter((text) => !text.trimStart().startsWith('<system-reminder>')).join('\n'),
    results: blocks.filter(({ type }) => type === 'tool_result').map(({ content }) => textOf(content)),
    tools: objectsOf(body['tools']).map(({ name }) => ({ name: String(name), kind: 'function' })),
    // In the system prompt or, of late, in a message.
    cwd: findCwd([textOf(body['system']), ...messages.map(({ content }) => textOf(content))].join('\n')),
  };
}

function answer(response: ServerResponse, { body, conversation, step, usage }: Answer): void {
  const content = contentOf(conversation, step);
  const counts = {
    input_tokens: usage.input,
    output_tokens: usage.output,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation_input_tokens: usage.cacheWrite,
  };
  const stop = { stop_reason: stopReason(content, step), stop_sequence: null };
  const message = { id: newId('msg'), type: 'message', role: 'assistant', model: body['model'] };
  if (body['stream'] !== true) {
    if ('cut' in step) response.destroy();
    else if ('streamError' in step) sendJson(response, 529, anthropic.errorBody(step.streamError));
    else sendJson(response, 200, { ...message, content, ...stop, usage: counts });
    return;
  }
  const send = startEvents(response);
  const start = { ...counts, output_tokens: Math.min(1, usage.output) };
  send('message_start', {
    message: { ...message, content: [], stop_reason: null, stop_sequence: null, usage: start },
  });
  if ('cut' in step) return void response.destroy();
  if ('streamError' in step) send('error', { error: step.streamError });
  else {
    for (const [index, block] of content.entries()) sendBlock(send, index, block);
    send('message_delta', { delta: stop, usage: counts });
    send('message_stop', {});
  }
  response.end();
}

type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: Json | string };

function contentOf(conversation: Conversation, step: Answer['step']): readonly Block[] {
  const call = toolCall(step, conversation);
  const text =
    'text' in step
      ? step.text
      : 'refusal' in step
        ? step.refusal
        : 'halfText' in step
          ? step.halfText
          : step.say;
  return [
    ...(text === undefined ? [] : [{ type: 'text' as const, text }]),
    ...(call === undefined
      ? []
      : [{ type: 'tool_use' as const, id: newId('toolu'), name: call.tool.name, input: call.input }]),
  ];
}

function stopReason(content: readonly Block[], step: Answer['step']): string {
  if ('refusal' in step) return 'refusal';
  if ('halfText' in step) return 'max_tokens';
  return content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn';
}

function sendBlock(send: (type: string, fields: object) => void, index: number, block: Block): void {
  const [empty, deltas] =
    block.type === 'text'
      ? [{ ...block, text: '' }, piecesOf(block.text).map((text) => ({ type: 'text_delta', text }))]
      : [
          { ...block, input: {} },
          piecesOf(JSON.stringify(block.input)).map((json) => ({
            type: 'input_json_delta',
            partial_json: json,
          })),
        ];
  send('content_block_start', { index, content_block: empty });
  for (const delta of deltas) send('content_block_delta', { index, delta });
  send('content_block_stop', { index });
}
