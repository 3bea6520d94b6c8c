import type { Octokit } from '@octokit/rest';
import { statusOf } from './client.ts';

/** The sender of a signed delivery. */
export interface Sender {
  readonly id: number;
  readonly login: string;
  readonly type: string;
}

/** `reason`: a sentence for the actor. */
export type Access = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

const WRITERS: ReadonlySet<string> = new Set(['admin', 'maintain', 'write']);
const READERS: ReadonlySet<string> = new Set([...WRITERS, 'triage', 'read']);
const ALLOWED: Access = { allowed: true };

/**
 * Whether a sender is an App or bot that the operator does not list: it gets no answer, as two Apps could answer each other
 * forever.
 */
export function isStranger({ id, type }: Pick<Sender, 'id' | 'type'>, bots: ReadonlySet<number>): boolean {
  return type !== 'User' && !bots.has(id);
}

/**
 * Whether an account may make requests for a repository: it needs permission to push. GitHub is asked each time, and by the
 * account's number, because names can be taken over. Apps and bots are allowed only by `bots`, the operator's list of numbers.
 * Refuses when the permission cannot be determined.
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
  if ((await findLevel(octokit, repository, sender)) === 'push') return ALLOWED;
  return {
    allowed: false,
    reason: `\`${sender.login}\` may not push to this repository; whoever may, can ask`,
  };
}

/**
 * What a person may do in a repository, by the account's number: names can be taken over. What GitHub does not know is `none`.
 * Throws when it does not answer.
 */
export async function findLevel(
  octokit: Octokit,
  { owner, name: repo }: { readonly owner: string; readonly name: string },
  { id, login }: Pick<Sender, 'id' | 'login'>,
): Promise<'none' | 'read' | 'push'> {
  try {
    const { data } = await octokit.rest.repos.getCollaboratorPermissionLevel({
      owner,
      repo,
      username: login,
    });
    if (data.user?.id !== id) return 'none';
    if (WRITERS.has(data.permission)) return 'push';
    return READERS.has(data.permission) ? 'read' : 'none';
  } catch (error) {
    if (statusOf(error) === undefined) throw error; // GitHub did not answer: neither yes nor no
    return 'none';
  }
}

/** Finds an account by its number, with its current name; undefined when it is gone. */
export async function findSender(octokit: Octokit, id: number): Promise<Sender | undefined> {
  try {
    const { data } = await octokit.request('GET /user/{account_id}', { account_id: id });
    return { id: Number(data.id), login: data.login, type: data.type };
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    return undefined;
  }
}
