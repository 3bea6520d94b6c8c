import { dirname, isAbsolute } from 'node:path';
import { ChooError } from '../../errors.ts';
import { normalizeRemote, visible } from '../remote-address.ts';

/** Its public repositories may be read by anyone, whatever host a repository is on. */
const GITHUB = 'github.com';

/**
 * The address of a submodule, as `.gitmodules` writes it, beside the normalized remote of its repository. Throws a
 * ChooError (`environment`) for what a stranger's file may not make choo reach: other hosts than the remote's and GitHub,
 * what {@link normalizeRemote} refuses, and on this machine what is not beside a remote that is itself on this machine. It
 * is reached by ssh only where the remote is, too: elsewhere the key of who runs choo could open what others may not see.
 */
export function moduleAddress(text: string, remote: string): string {
  const refuse = (why: string, cause?: unknown): ChooError =>
    new ChooError(
      'environment',
      `\`${visible(text).slice(0, 200)}\` is no submodule's address for choo: ${why}`,
      {
        hint: `a path relative to the repository's remote, or an https or ssh address on its host or ${GITHUB}`,
        cause,
      },
    );
  const isRelative = /^\.\.?\//.test(text);
  const absolute = isRelative ? besides(remote, text) : text;
  if (absolute === undefined) throw refuse(`it leads out of \`${remote}\``);
  let address: string;
  try {
    address = normalizeRemote(absolute);
  } catch (error) {
    if (error instanceof ChooError)
      throw refuse(error.message.replace(/^.* is not a remote that choo accepts: /, ''), error);
    throw error;
  }
  if (isAbsolute(address)) {
    if (isAbsolute(remote) && address.startsWith(`${dirname(remote).replace(/\/$/, '')}/`)) return address;
    throw refuse('it is on this machine, and not beside a remote that is there, too');
  }
  const place = placeOf(address);
  const own = isAbsolute(remote) ? undefined : placeOf(remote);
  const isOwnHost = own !== undefined && own.host === place.host;
  if (!isOwnHost && place.host !== GITHUB) throw refuse('it is on another host');
  if (place.scheme === 'http' && own?.scheme !== 'http') throw refuse('http is not encrypted');
  if (place.port !== '' && (!isOwnHost || place.scheme !== own.scheme || place.port !== own.port))
    throw refuse('it is on another port');
  if (place.scheme !== 'ssh' || (isOwnHost && own.scheme === 'ssh')) return address;
  const scheme = isOwnHost && own.scheme === 'http' ? 'http' : 'https';
  const port = isOwnHost && own.port !== '' ? `:${own.port}` : '';
  return `${scheme}://${place.host}${port}/${place.path}`;
}

interface Place {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
  readonly path: string;
}

/** Of a normalized address. */
function placeOf(address: string): Place {
  const short = /^[^@/:]+@([^:/]+):\/?(.*)$/.exec(address); // user@host:path
  if (short !== null)
    return { scheme: 'ssh', host: (short[1] ?? '').toLowerCase(), port: '', path: short[2] ?? '' };
  const { protocol, hostname, port, pathname } = new URL(address);
  return { scheme: protocol.slice(0, -1), host: hostname, port, path: pathname.slice(1) };
}

/** What git makes of a relative address; undefined: it has more steps up than the remote has names. */
function besides(remote: string, text: string): string | undefined {
  const start = /^(?:[a-z]+:\/\/[^/]+\/|[^@/:]+@[^:/]+:\/?|\/)/.exec(remote)?.[0] ?? '';
  const names = remote.slice(start.length).split('/');
  for (const step of text.split('/')) {
    if (step === '' || step === '.') continue;
    if (step !== '..') names.push(step);
    else if (names.pop() === undefined) return undefined;
  }
  return names.length === 0 ? undefined : start + names.join('/');
}
