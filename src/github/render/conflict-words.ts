import { inline, listed } from './markdown.ts';
import { words } from './words.ts';
import type { ConflictVerdict } from './verdict.ts';

/** Who changed the files of a conflict, and what an agent does about it: sentences that follow its files, with a blank before. */
export function conflictWords({ authors, agent, failed }: ConflictVerdict): string {
  const sides = [
    ...(authors.own.length === 0 ? [] : [`on this branch by ${namesOf(authors.own)}`]),
    ...(authors.theirs.length === 0 ? [] : [`on the other side by ${namesOf(authors.theirs)}`]),
  ];
  return [
    ...(sides.length === 0 ? [] : [` They were changed ${sides.join(', ')}.`]),
    ...(agent === 'works' ? [' An agent is resolving it.'] : []),
    ...(failed === null
      ? []
      : [
          ` An agent could not resolve it, and nothing was pushed: ${words(failed, 500)}. \`/choo update\` lets it try again.`,
        ]),
  ].join('');
}

function namesOf(authors: readonly string[]): string {
  return listed(
    authors.map((name) => inline(name, 80)),
    10,
  );
}
