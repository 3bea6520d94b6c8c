import type { Octokit } from '@octokit/rest';
import { statusOf } from './client.ts';

/** Who sent something, as GitHub signs it. */
export interface Sender {
  readonly id: number;
  readonly login: string;
  readonly type: string;
}

/** `reason` is a sentence about them, for them. */
export type Access = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

const WRITERS: ReadonlySet<string> = new Set(['admin', 'maintain', 'write']);
const ALLOWED: Access = { allowed: true };

/**
 * Whether somebody may have choo work on a repository: whoever may push to it may. Asked of GitHub each time, and of the
 * number of an account, because names can be taken over. Apps and bots only by `bots`, the operator's list of numbers: what
 * an account is called says nothing. What cannot be found out is refused.
 */
export async function findAccess(
  octokit: Octokit,
  repository: { readonly owner: string; readonly name: string },
  sender: Sender,
  bots: ReadonlySet<number>,
): Promise<Access> {
  if (sender.type !== 'User') {
    return bots.has(sender.id)
      ? ALLOWED
      : {
          allowed: false,
          reason: `\`${sender.login}\` is not among the bots that the operator of choo allows`,
        };
  }
  const { owner, name: repo } = repository;
  try {
    const { data } = await octokit.rest.repos.getCollaboratorPermissionLevel({
      owner,
      repo,
      username: sender.login,
    });
    const isThem = data.user?.id === sender.id;
    if (isThem && WRITERS.has(data.permission)) return ALLOWED;
  } catch (error) {
    if (statusOf(error) === undefined) throw error; // GitHub does not answer: that is no answer either way
  }
  return {
    allowed: false,
    reason: `\`${sender.login}\` may not push to this repository; whoever may, can ask`,
  };
}

/** The account of a number, as it is called now; undefined: it is gone. */
export async function findSender(octokit: Octokit, id: number): Promise<Sender | undefined> {
  try {
    const { data } = await octokit.request('GET /user/{account_id}', { account_id: id });
    return { id: Number(data.id), login: data.login, type: data.type };
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    return undefined;
  }
}
