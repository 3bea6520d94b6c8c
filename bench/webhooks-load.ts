import { createHmac, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

/** A delivery that was answered. */
export interface Answered {
  readonly guid: string;
  readonly status: number;
  readonly ms: number;
}

/** Deliveries that differ in their ids alone, signed once. */
export class Load implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
  readonly #body: string;
  readonly #signature: string;

  constructor(payload: unknown, secret: string) {
    this.#body = JSON.stringify(payload);
    this.#signature = `sha256=${createHmac('sha256', secret).update(this.#body).digest('hex')}`;
  }

  get bytes(): number {
    return this.#body.length;
  }

  /** As many at once as `width`, one after the other until `count`. */
  async flood(port: number, count: number, width: number): Promise<readonly Answered[]> {
    const answers: Answered[] = [];
    let left = count;
    const send = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        answers.push(await this.post(port));
      }
    };
    await Promise.all(Array.from({ length: width }, send));
    return answers;
  }

  /** So many a second, evenly, whether the ones before were answered or not. */
  async steady(port: number, perSecond: number, seconds: number): Promise<readonly Answered[]> {
    const sent: Promise<Answered>[] = [];
    const from = performance.now();
    for (let index = 0; index < perSecond * seconds; index += 1) {
      const due = from + (index * 1_000) / perSecond;
      await wait(Math.max(0, due - performance.now()));
      sent.push(this.post(port));
    }
    return Promise.all(sent);
  }

  /** Status 0: the connection broke. */
  async post(port: number): Promise<Answered> {
    const guid = randomUUID();
    const from = performance.now();
    const status = await new Promise<number>((resolve) => {
      const outgoing = request(
        {
          agent: this.#agent,
          host: '127.0.0.1',
          port,
          path: '/api/github/webhooks',
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(this.#body),
            'x-github-event': 'push',
            'x-github-delivery': guid,
            'x-hub-signature-256': this.#signature,
          },
        },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
          response.on('error', () => resolve(0));
        },
      );
      outgoing.on('error', () => resolve(0));
      outgoing.end(this.#body);
    });
    return { guid, status, ms: performance.now() - from };
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
