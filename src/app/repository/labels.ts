import type { OpenRepository } from './open-repository.ts';

export const RUN_LABEL = 'choo:run';
export const HOLD_LABEL = 'choo:hold';
export const PROVIDER_LABEL = 'choo:provider/';

/** Reads the current labels of an issue or pull request. */
export async function readLabels(
  { known, octokit }: Pick<OpenRepository, 'known' | 'octokit'>,
  number: number,
): Promise<readonly { readonly name: string }[]> {
  const remote = { owner: known.owner, repo: known.name };
  const { data } = await octokit.rest.issues.get({ ...remote, issue_number: number });
  return data.labels.map((label) => ({ name: typeof label === 'string' ? label : (label.name ?? '') }));
}

/** Whether `choo:hold` is on a thread. */
export function isHeld(labels: readonly { readonly name: string }[] | null | undefined): boolean {
  return labels?.some(({ name }) => name.toLowerCase() === HOLD_LABEL) === true;
}
