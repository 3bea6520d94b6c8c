import { LRUCache } from 'lru-cache';

/**
 * The networks that have sent a delivery with a valid signature. Under load, requests from other networks are dropped
 * first. Behind a proxy all requests come from one address, so this makes no difference there.
 */
export class KnownSenders {
  /** GitHub delivers from a few dozen. */
  readonly #networks = new LRUCache<string, true>({ max: 1_000 });

  /** Call it for each valid delivery. */
  add(address: string | undefined): void {
    this.#networks.set(networkOf(address), true);
  }

  has(address: string | undefined): boolean {
    return this.#networks.has(networkOf(address));
  }
}

/** The /24 of an IPv4 address, the first three groups of an IPv6 address. */
function networkOf(address = ''): string {
  const v4 = /(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/.exec(address)?.[1]; // also as `::ffff:192.0.2.1`
  return v4 ?? address.split(':').slice(0, 3).join(':');
}
