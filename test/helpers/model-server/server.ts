import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { anthropic } from './anthropic.ts';
import { isJson, type Json } from './conversation.ts';
import { sendJson } from './event-stream.ts';
import { type Given, nextStep } from './next-step.ts';
import { openai } from './openai.ts';
import type { HttpError, ModelScript, Step } from './script.ts';
import type { WireFormat } from './wire-format.ts';

/** A model's endpoint on the loopback interface that says what a script tells it to. */
export interface ModelServer extends AsyncDisposable {
  /** For ANTHROPIC_BASE_URL; with `/v1` behind it, for OPENAI_BASE_URL. */
  readonly url: string;
  /** Every request for a model's answer, in order. */
  readonly log: readonly LoggedRequest[];
}

export interface LoggedRequest {
  readonly path: string;
  readonly model: string;
  readonly prompt: string;
  /** What tools have returned so far. */
  readonly results: readonly string[];
  readonly key: string;
  readonly step: Step;
}

const FORMATS: Readonly<Record<string, WireFormat>> = { '/v1/messages': anthropic, '/v1/responses': openai };

/** Starts one. Disposing of it cuts what is open. */
export async function startModelServer(script: ModelScript): Promise<ModelServer> {
  const log: LoggedRequest[] = [];
  const given: Given = new Map();
  const server = createServer((request, response) => {
    response.on('error', () => {}); // the CLI went away
    handle(request, response, { script, log, given }).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: { type: 'model_server', message: String(error) } });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    log,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface World {
  readonly script: ModelScript;
  readonly log: LoggedRequest[];
  readonly given: Given;
}

async function handle(request: IncomingMessage, response: ServerResponse, world: World): Promise<void> {
  const path = (request.url ?? '').replace(/\?.*/, '');
  const body = await text(request);
  if (path.endsWith('/messages/count_tokens')) return sendJson(response, 200, { input_tokens: 1_000 });
  if (path.endsWith('/models')) return sendJson(response, 200, { object: 'list', data: [], models: [] });
  const format = request.method === 'POST' ? FORMATS[path] : undefined;
  if (format === undefined)
    return sendJson(response, path === '/' ? 200 : 404, { error: { type: 'not_found', message: path } });
  reply(response, format, { path, key: keyOf(request), body: readBody(body) }, world);
}

/** One request for an answer: finds the step, notes it, plays it. */
function reply(
  response: ServerResponse,
  format: WireFormat,
  { path, key, body }: { readonly path: string; readonly key: string; readonly body: Json },
  { script, log, given }: World,
): void {
  const conversation = format.readConversation(body);
  const step: Step =
    script.key === undefined || script.key === key
      ? nextStep(script, conversation, given)
      : { error: WRONG_KEY };
  const { prompt, results } = conversation;
  log.push({ path, model: String(body['model']), prompt, results, key, step });
  if ('hang' in step) return;
  if ('error' in step) {
    const { status, retryAfter } = step.error;
    const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
    const { type, message, fields } = step.error;
    return sendJson(response, status, format.errorBody({ ...fields, type, message }), headers);
  }
  const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, ...(step.usage ?? script.usage) };
  format.answer(response, { body, conversation, step, usage });
}

const WRONG_KEY: HttpError = { status: 401, type: 'authentication_error', message: 'invalid x-api-key' };

function keyOf({ headers }: IncomingMessage): string {
  const key = headers['x-api-key'];
  return typeof key === 'string' ? key : (headers.authorization ?? '').replace(/^Bearer /, '');
}

function readBody(text: string): Json {
  const body: unknown = JSON.parse(text);
  if (!isJson(body)) throw new Error('the body is no object');
  return body;
}
