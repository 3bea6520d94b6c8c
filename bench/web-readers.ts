import { Agent, get, type IncomingMessage } from 'node:http';

/** A message that has arrived whole. */
interface Arrival {
  /** The events before it that its reader had seen, and those that it brings, by number. */
  readonly after: number;
  readonly upto: number;
  readonly at: number;
}

/** Readers of a stream of server-sent events whose ids are the numbers of events. They keep times, and no text. */
export class Readers implements Disposable {
  readonly #agent = new Agent({ maxSockets: Infinity });
  readonly #arrivals: Arrival[] = [];
  #bytes = 0;

  /** Opens so many, which have seen the events up to a number; resolves once each has an answer. */
  static async open(url: string, { count, after }: { count: number; after: number }): Promise<Readers> {
    const readers = new Readers();
    await Promise.all(Array.from({ length: count }, async () => readers.#read(url, after)));
    return readers;
  }

  get messages(): number {
    return this.#arrivals.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** From each event to each reader; `at`: when it happened, by its number. Milliseconds. */
  delays(at: ReadonlyMap<number, number>): readonly number[] {
    return this.#arrivals.flatMap(({ after, upto, at: arrivedAt }) =>
      Array.from({ length: upto - after }, (_, index) => at.get(after + 1 + index))
        .filter((happenedAt) => happenedAt !== undefined)
        .map((happenedAt) => arrivedAt - happenedAt),
    );
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #read(url: string, after: number): Promise<void> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { agent: this.#agent }, resolve).on('error', reject);
    });
    if (response.statusCode !== 200) throw new Error(`a stream was answered with ${response.statusCode}`);
    let seen = after;
    let [start, length, id] = ['', 0, 0];
    response.on('error', () => {}); // it ends with the benchmark
    response.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      for (let from = 0; from < chunk.length;) {
        const end = chunk.indexOf(10, from);
        const to = end === -1 ? chunk.length : end;
        if (start.length < 20) start += chunk.toString('latin1', from, Math.min(to, from + 20));
        length += to - from;
        from = to + 1;
        if (end === -1) continue;
        if (start.startsWith('id: ')) id = Number.parseInt(start.slice(4), 10);
        if (length === 0 && id > seen) {
          this.#arrivals.push({ after: seen, upto: id, at: Date.now() });
          seen = id;
        }
        [start, length] = ['', 0];
      }
    });
  }
}
