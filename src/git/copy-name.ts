import { createHash } from 'node:crypto';
import { basename } from 'node:path';

/** Identifies the repository of a copy. An address is not enough: it may belong to another repository tomorrow. */
export interface CopyIdentity {
  /** The normalized address or path of the remote. */
  readonly remote: string;
  /** The host's id for the repository, which survives renaming; null when unknown. */
  readonly hostId: string | null;
  /** A random id of this copy: another id is another copy, which shares nothing with it. Letters, digits and `-`. */
  readonly copy: string;
}

/** The directory name of a copy. */
export function copyName(identity: CopyIdentity): string {
  return `${ownerName(identity)}.${identity.copy}`;
}

/** The prefix shared by all copies of one repository, earlier ones included; undefined when the name is not a copy's. */
export function ownerOfCopy(name: string): string | undefined {
  return /^(.+)\.[0-9a-f]{8}-[0-9a-f-]{27}$/.exec(name)?.[1];
}

function ownerName({ remote, hostId }: CopyIdentity): string {
  if (hostId !== null) return `${URL.canParse(remote) ? plain(new URL(remote).host) : 'host'}-${hostId}`;
  const hash = createHash('sha256').update(remote).digest('hex').slice(0, 12);
  const last = plain(basename(remote.replace(/\.git$/, ''))).slice(-100); // the names below it need room too
  return `${last}-${hash}`;
}

function plain(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]/g, '-');
}
