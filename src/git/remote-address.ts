import { isAbsolute, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChooError } from '../errors.ts';

/**
 * Normalizes a remote. Throws a ChooError (`usage`) for anything that git could treat as more than a repository to read
 * and write: other transports, options, credentials, plain text over a network.
 */
export function normalizeRemote(text: string): string {
  const refuse = (why: string): ChooError =>
    new ChooError('usage', `\`${withoutSecrets(text)}\` is not a remote that choo accepts: ${why}`, {
      hint: 'an https or ssh address, or an absolute path',
    });
  if (text.startsWith('-') || /[\p{Cc} ]/u.test(text)) throw refuse('it has invalid characters');
  if (isAbsolute(text)) return normalize(text).replace(/(?<=[^/])\/+$/, '');
  if (/^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!:)[^:]+$/.test(text)) return text.replace(/(?<!\/)\/+$/, ''); // user@host:path
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw refuse('it is neither an address nor an absolute path');
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'ssh:'))
    throw refuse('it contains credentials');
  if (/[?#]/.test(url.href)) throw refuse('it has more than a path');
  if (/%(?:[01][0-9a-f]|7f)/i.test(url.href)) throw refuse('it has invalid characters');
  if (url.protocol === 'file:' && url.host === '' && !/%2f/i.test(url.pathname))
    return normalizeRemote(fileURLToPath(url));
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol === 'http:' && !isLoopback) throw refuse('http is not encrypted');
  if (!['https:', 'http:', 'ssh:'].includes(url.protocol)) throw refuse(`choo does not use ${url.protocol}`);
  // ssh would treat these as options. git refuses them too; this is a second line of defence.
  if (!/^(?!-)[A-Za-z0-9_.-]*$/.test(url.username) || !/^(?!-)[A-Za-z0-9_.:[\]-]+$/.test(url.hostname))
    throw refuse('its user or host is invalid');
  return url.href.replace(/(?<!\/)\/+$/, '');
}

/** The input for a message, without what may be a password or a token. */
function withoutSecrets(text: string): string {
  const shown = visible(text);
  const scheme = /^[^:/\\]*:[/\\]*/.exec(shown)?.[0] ?? '';
  const userEnd = shown.lastIndexOf('@');
  const named = scheme === '' || userEnd < scheme.length ? shown : `${scheme}…${shown.slice(userEnd)}`;
  return named.replace(/[?#][^]*/, '…');
}

/** Replaces control characters, and those that change the direction of a line, by spaces. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028-\u202e\u2066-\u2069]+/gu, ' ');
}
