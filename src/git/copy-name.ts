import { createHash } from 'node:crypto';
import { basename } from 'node:path';

/** Which repository a copy on this machine is of. An address says too little: tomorrow it may be another one's. */
export interface CopyIdentity {
  /** Where git finds it, normalized. */
  readonly remote: string;
  /** The number that its host knows it by, whatever it is called; null: choo knows none. */
  readonly hostId: string | null;
  /** Random: what has another one is another copy, with nothing of this one. Letters, digits and `-`. */
  readonly copy: string;
}

/** The name of a copy's directory. */
export function copyName(identity: CopyIdentity): string {
  return `${ownerName(identity)}.${identity.copy}`;
}

/** What the names of all copies of one repository begin with, those from before among them; undefined: that is no copy's name. */
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
