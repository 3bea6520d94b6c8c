import { createHmac, randomUUID } from 'node:crypto';

/** One attempt to deliver an event to the app. */
export interface Delivery {
  readonly id: number;
  readonly guid: string;
  /** When it was posted, or is to be; ISO 8601. */
  at: string;
  readonly isRedelivery: boolean;
  readonly event: string;
  readonly action: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  /** The status of the app's answer; undefined while it waits or without an answer. */
  status: number | undefined;
  /** The state; any status but 2xx is a failure, and a lost one was never posted. */
  state: 'waiting' | 'under way' | 'delivered' | 'failed' | 'lost';
}

export interface Handmade {
  readonly secret?: string;
  readonly guid?: string;
}

const FIRST_ID = 50_001;

/** GitHub's time limit for an app's answer. Milliseconds. */
const TIMEOUT_MS = 10_000;

/** Signs events, posts each once and in order, and records the answers. */
export class Deliveries implements AsyncDisposable {
  readonly all: Delivery[] = [];
  readonly #secret: string;
  readonly #underWay = new Set<Promise<void>>();
  readonly #closed = new AbortController();
  readonly #secrets = new WeakMap<Delivery, string>();
  #url: string | undefined;

  constructor(secret: string, url: string | undefined) {
    this.#secret = secret;
    this.#url = url;
  }

  /** Sets the address for deliveries; without an address they wait. */
  deliverTo(url: string | undefined): void {
    this.#url = url;
    if (url === undefined) return;
    for (const delivery of this.all) if (delivery.state === 'waiting') this.#start(delivery, url);
  }

  add(event: string, body: Readonly<Record<string, unknown>>, { secret, guid }: Handmade = {}): Delivery {
    const { action } = body;
    const delivery: Delivery = {
      id: FIRST_ID + this.all.length,
      guid: guid ?? randomUUID(),
      at: new Date().toISOString(),
      isRedelivery: guid !== undefined && this.all.some((earlier) => earlier.guid === guid),
      event,
      action: typeof action === 'string' ? action : undefined,
      body,
      status: undefined,
      state: 'waiting',
    };
    this.all.push(delivery);
    this.#secrets.set(delivery, secret ?? this.#secret);
    if (this.#url !== undefined) this.#start(delivery, this.#url);
    return delivery;
  }

  /** Posts a delivery again, as a person can on the app's page; with another id only on request. */
  redeliver(
    { event, body, guid }: Delivery,
    { newGuid = false }: { readonly newGuid?: boolean } = {},
  ): Delivery {
    return this.add(event, body, newGuid ? {} : { guid });
  }

  /** Loses the deliveries that wait: the app never gets them, and the list of deliveries does not show them. */
  loseWaiting(): void {
    for (const delivery of this.all) if (delivery.state === 'waiting') delivery.state = 'lost';
  }

  /** Resolves when no delivery is pending, including those that a delivery caused. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #start(delivery: Delivery, url: string): void {
    delivery.state = 'under way';
    delivery.at = new Date().toISOString();
    const posting = this.#post(delivery, url).finally(() => this.#underWay.delete(posting));
    this.#underWay.add(posting);
  }

  async #post(delivery: Delivery, url: string): Promise<void> {
    const raw = JSON.stringify(delivery.body);
    const secret = this.#secrets.get(delivery) ?? this.#secret;
    const signature = createHmac('sha256', secret).update(raw).digest('hex');
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'GitHub-Hookshot/stand-in',
          'x-github-event': delivery.event,
          'x-github-delivery': delivery.guid,
          'x-hub-signature-256': `sha256=${signature}`,
        },
        body: raw,
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), this.#closed.signal]),
      });
      await response.arrayBuffer();
      delivery.status = response.status;
      delivery.state = response.ok ? 'delivered' : 'failed';
    } catch {
      delivery.state = 'failed';
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#url = undefined;
    this.#closed.abort();
    await this.settled();
  }
}
