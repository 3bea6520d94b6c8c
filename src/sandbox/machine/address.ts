/** Prefixes that tools write before an address, and names as in `name=https://…`. */
const PREFIX = /^(?:[\w.-]+=)?(?:sparse\+|git\+|registry\+)?(?=[a-z][a-z0-9+.-]*:\/\/)/i;
const PROTOCOLS = /^(?:https?|socks[45]?[ah]?|file|ssh|git):$/;
/** Characters. */
const MIN_TOKEN_LENGTH = 16;
/** Words of a list of addresses that are none: those of Go. */
const WORDS: ReadonlySet<string> = new Set(['direct', 'off']);

/**
 * An address without what may be a credential: user, password, query and fragment. Undefined for what is no address, or holds
 * what looks like a token in its path, where it cannot be left out.
 */
export function addressOf(text: string): string | undefined {
  const prefix = PREFIX.exec(text)?.[0] ?? '';
  const bare = text.slice(prefix.length);
  const url = URL.parse(bare);
  if (url === null || !bare.includes('://') || !PROTOCOLS.test(url.protocol)) return undefined;
  if (url.pathname.split('/').some(looksLikeToken)) return undefined;
  [url.username, url.password, url.search, url.hash] = ['', '', '', ''];
  const hadSlash = bare.replace(/[?#].*$/s, '').endsWith('/');
  return prefix + (url.pathname === '/' && !hadSlash ? url.href.slice(0, -1) : url.href);
}

/** Addresses in a list, as Go, pip and uv write them. Undefined when one of them has to be left out: the order counts. */
export function addressesOf(text: string): string | undefined {
  const parts = text.trim().split(/([\s,|]+)/);
  const found = parts.map((part, index) => (index % 2 === 1 || WORDS.has(part) ? part : addressOf(part)));
  return found.includes(undefined) ? undefined : found.join('');
}

/** The address of a proxy, which may be a host and a port alone. */
export function proxyOf(text: string): string | undefined {
  if (text.includes('://')) return addressOf(text);
  return addressOf(`http://${text}`)?.slice('http://'.length);
}

/** Names of hosts and modules, with patterns: nothing that could be a credential. */
export function namesOf(text: string): string | undefined {
  return /^[\w.,:*/?[\]+| -]*$/.test(text) ? text : undefined;
}

/** Letters and digits mixed, of the length that tokens begin at. Names have separators; a UUID has them, too. */
function looksLikeToken(word: string): boolean {
  return word
    .split(/[^A-Za-z0-9]+/)
    .some((run) => run.length >= MIN_TOKEN_LENGTH && /[0-9]/.test(run) && /[A-Za-z]/.test(run));
}
