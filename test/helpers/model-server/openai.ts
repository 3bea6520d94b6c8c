import type { ServerResponse } from 'node:http';
import { type Conversation, findCwd, type Json, objectsOf, textOf, type Tool } from './conversation.ts';
import { newId, piecesOf, startEvents } from './event-stream.ts';
import { toolCall } from './tool-call.ts';
import type { Answer, WireFormat } from './wire-format.ts';

/** OpenAI's Responses, streaming. */
export const openai: WireFormat = {
  readConversation,
  errorBody: (error) => ({ error: { code: error.type, param: null, ...error } }),
  answer,
};

function readConversation(body: Json): Conversation {
  const items = objectsOf(body['input']);
  const messages = items.filter(({ type }) => type === 'message');
  const told = messages.filter(({ role }) => role === 'user').map(({ content }) => textOf(content));
  return {
    prompt: told.filter((text) => !/^\s*(?:<|# AGENTS\.md)/.test(text)).join('\n'), // tags hold what codex itself tells
    results: items
      .filter(({ type }) => String(type).endsWith('_call_output'))
      .map(({ output }) => textOf(output)),
    tools: [body, ...items.filter(({ type }) => type === 'additional_tools')].flatMap(({ tools }) =>
      readTools(tools),
    ),
    cwd: findCwd(told.join('\n')),
  };
}

/** Some models are offered their tools in namespaces. */
function readTools(tools: unknown, namespace?: string): readonly Tool[] {
  return objectsOf(tools).flatMap((tool) => {
    const name = String(tool['name'] ?? tool['type']);
    if (tool['type'] === 'namespace') return readTools(tool['tools'], name);
    const kind = tool['type'] === 'custom' ? 'custom' : 'function';
    return [{ name, kind, ...(namespace === undefined ? {} : { namespace }) }];
  });
}

function answer(response: ServerResponse, { body, conversation, step, usage }: Answer): void {
  const events = startEvents(response);
  let number = 0;
  const send = (type: string, fields: object) => events(type, { sequence_number: number++, ...fields });
  const base = { id: newId('resp'), object: 'response', model: body['model'], error: null };
  send('response.created', { response: { ...base, status: 'in_progress', output: [] } });
  if ('cut' in step) return void response.destroy();
  if ('streamError' in step) {
    const error = { code: step.streamError.type, message: step.streamError.message };
    send('response.failed', { response: { ...base, status: 'failed', error } });
  } else {
    const output = outputOf(conversation, step);
    for (const [index, item] of output.entries()) sendItem(send, index, item);
    const counts = {
      input_tokens: usage.input + usage.cacheRead + usage.cacheWrite,
      input_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: usage.cacheWrite },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.input + usage.cacheRead + usage.cacheWrite + usage.output,
    };
    const reason =
      'halfText' in step ? 'max_output_tokens' : 'refusal' in step ? 'content_filter' : undefined;
    if (reason === undefined) {
      send('response.completed', { response: { ...base, status: 'completed', output, usage: counts } });
    } else {
      const details = { status: 'incomplete', incomplete_details: { reason } };
      send('response.incomplete', { response: { ...base, ...details, output, usage: counts } });
    }
  }
  response.end();
}

function outputOf(conversation: Conversation, step: Answer['step']): readonly Json[] {
  const call = toolCall(step, conversation);
  const text = 'text' in step ? step.text : 'halfText' in step ? step.halfText : step.say;
  return [
    ...('refusal' in step ? [messageOf({ type: 'refusal', refusal: step.refusal })] : []),
    ...(text === undefined ? [] : [messageOf({ type: 'output_text', text, annotations: [] })]),
    ...(call === undefined ? [] : [callItem(call.tool, call.input)]),
  ];
}

function messageOf(part: Json): Json {
  return { type: 'message', id: newId('msg'), role: 'assistant', status: 'completed', content: [part] };
}

function callItem({ name, kind, namespace }: Tool, input: Json | string): Json {
  const fields = {
    call_id: newId('call'),
    status: 'completed',
    name,
    ...(namespace === undefined ? {} : { namespace }),
  };
  return kind === 'custom'
    ? { type: 'custom_tool_call', id: newId('ctc'), ...fields, input }
    : { type: 'function_call', id: newId('fc'), ...fields, arguments: JSON.stringify(input) };
}

function sendItem(send: (type: string, fields: object) => void, output_index: number, item: Json): void {
  send('response.output_item.added', { output_index, item: { ...item, status: 'in_progress' } });
  if (item['type'] === 'message') {
    for (const delta of piecesOf(textOf(item['content']))) {
      send('response.output_text.delta', { item_id: item['id'], output_index, content_index: 0, delta });
    }
  }
  send('response.output_item.done', { output_index, item });
}
