import type { ServerResponse } from 'node:http';

/** A reader that takes nothing for so long is cut off; its browser comes back. Milliseconds. */
const STALL_MS = 30_000;

/** A reader whose stream has ended comes back after so long. Milliseconds. */
const RETRY_MS = 1_000;

/** JSON in parts, a line without an end. Bytes are shared by the streams that send them. */
export type MessageBody = readonly (string | Uint8Array)[];

/** One message of a stream. */
interface StreamMessage {
  readonly event: string;
  /** Where the stream goes on after it, when it was cut off. */
  readonly id: string;
  readonly body: MessageBody;
}

/** A stream of server-sent events (HTML Living Standard §9.2) to one reader, who decides how fast. */
export class EventStream implements Disposable {
  readonly #response: ServerResponse;
  readonly #closed = new AbortController();

  constructor(response: ServerResponse, headers: Readonly<Record<string, string>>) {
    this.#response = response;
    response.once('close', () => this.#closed.abort());
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no', // nginx would hold it back
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
  }

  /** Aborted when the reader has gone, or was cut off. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Sends a message. Resolves when the reader took it or has gone: nothing piles up for a slow one. */
  async send({ event, id, body }: StreamMessage): Promise<void> {
    await this.#write([`id: ${id}\nevent: ${event}\ndata: `, ...body, '\n\n']);
  }

  /** Sends a comment, so that proxies and the network find the stream alive. */
  async keepAlive(): Promise<void> {
    await this.#write([': still here\n\n']);
  }

  [Symbol.dispose](): void {
    this.#response.end();
  }

  async #write(parts: MessageBody): Promise<void> {
    if (this.#closed.signal.aborted) return;
    // The last answer counts for all; those of one tick go to the network together.
    if (parts.map((part) => this.#response.write(part)).at(-1) !== false) return;
    const taken = Promise.withResolvers<void>();
    const stalled = setTimeout(() => this.#response.destroy(), STALL_MS);
    this.#response.once('drain', taken.resolve).once('close', taken.resolve);
    await taken.promise;
    clearTimeout(stalled);
    this.#response.off('drain', taken.resolve).off('close', taken.resolve);
  }
}
