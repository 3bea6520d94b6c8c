/**
 * The headers of every answer. Styles, script and streams come from here alone, nothing is written in a page, no other page may
 * frame or read it, and no address of it is told to another site.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** Whether the host that a browser names is one of ours: after DNS rebinding it is the name of the other site. */
export function isAllowedHost(host: string | undefined, hosts: ReadonlySet<string>): boolean {
  return host !== undefined && hosts.has(host.toLowerCase());
}

/** Whether a request that changes something comes from a page of ours. Every browser names the origin of a form. */
export function isSameOrigin(headers: Headers, hosts: ReadonlySet<string>): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin') return false;
  const origin = /^https?:\/\/(.{1,300})$/.exec(headers.get('origin') ?? '')?.[1];
  return isAllowedHost(origin, hosts);
}

/** The names of this machine for itself, at a port. */
export function loopbackHosts(port: number): ReadonlySet<string> {
  return new Set(['127.0.0.1', 'localhost', '[::1]'].map((host) => `${host}:${port}`));
}

/** Whether only this machine can reach an address that a server listens on. */
export function isLoopback(address: string): boolean {
  return /^127(?:\.\d{1,3}){3}$/.test(address) || address === '::1' || address === 'localhost';
}
