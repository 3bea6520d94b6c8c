import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** An id as the endpoints make them. */
export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(12).toString('hex')}`;
}

/** Answers with server-sent events; returns what sends one. */
export function startEvents(response: ServerResponse): (type: string, fields: object) => void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  return (type, fields) => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  };
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A text in pieces, as a model writes it. */
export function piecesOf(text: string): readonly string[] {
  return text.match(/[^]{1,40}/g) ?? [''];
}
