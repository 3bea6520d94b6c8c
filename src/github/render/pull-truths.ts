import { code, inline, listed } from './markdown.ts';

/** What is true of a unit's branch and base, beside its gates. */
export interface PullTruths {
  /** Why its base is the target though several dependencies are open; null: there is no reason. */
  readonly noBase:
    | { readonly kind: 'conflict' }
    | { readonly kind: 'deleted' }
    | { readonly kind: 'refused'; readonly reason: string }
    | null;
  /** The dependencies that a person rejected. */
  readonly rejected: readonly { readonly unit: string; readonly number: number | null }[];
  /** The head that a push replaced, which choo retains; null: none did. */
  readonly lost: string | null;
  /** The units that were merged into its branch. */
  readonly also: readonly string[];
}

/** What an update of a unit's branch came to. */
export interface PullMove {
  readonly from: string;
  readonly to: string;
  /** The unit's own change is the same as before; otherwise `files` are where it is not. */
  readonly same: boolean;
  readonly files: readonly string[];
  /** By a merge; by its commits made again; or it was found that somebody did the latter (`found`) or the former (`merged`). */
  readonly way?: 'merge' | 'rebase' | 'found' | 'merged' | undefined;
  /** So many of its commits became one. */
  readonly joined?: number | undefined;
}

/** A commit, for people. */
export const at = (commit: string): string => code(commit.slice(0, 12));

/** Units named in one sentence. */
const MAX_NAMED = 20;

/** Sentences about a unit's branch and base, each a paragraph. Pure. */
export function pullTruths(unit: string, { noBase, rejected, lost, also }: PullTruths): readonly string[] {
  const named = (units: readonly string[]): string =>
    listed(
      units.map((each) => code(each)),
      MAX_NAMED,
    );
  return [
    ...rejected.slice(0, MAX_NAMED).map(({ unit: below, number }) => {
      const pull = number === null ? 'the pull request of that unit' : `#${number}`;
      return `**It stands on ${code(below)}**, which a person rejected by closing ${pull}, so it stays a draft there. To go on with both, reopen ${pull} or comment \`/choo retry ${below}\`. To go on without it, take ${code(below)} out of what ${code(unit)} depends on in its specs, and comment \`/choo run ${unit}\`.`;
    }),
    ...(noBase === null || noBase.kind === 'conflict' ? [] : [baseSentence(noBase)]),
    ...(also.length === 0
      ? []
      : [
          `${named(also)} ${also.length === 1 ? 'was' : 'were'} merged into this branch: those gates run here, too.`,
        ]),
    ...(lost === null
      ? []
      : [
          `A push replaced the head ${code(lost)} of this branch. choo's own copy of the repository keeps it for the days of retention, and does not push it back.`,
        ]),
  ];
}

function baseSentence(noBase: Exclude<NonNullable<PullTruths['noBase']>, { kind: 'conflict' }>): string {
  const shows = 'It goes to the target, so it shows the work of what it builds on, too';
  return noBase.kind === 'deleted'
    ? `${shows}: its base branch was deleted again and again, and is made again within an hour.`
    : `${shows}: its base branch was refused. ${inline(noBase.reason, 300)}.`;
}

/** How the branch was moved, by `way` from `from`. */
export function moveOf({ from, same, files, way = 'merge', joined = 0 }: PullMove): string {
  const how = {
    merged: 'by a merge that choo did not make',
    merge: 'by a merge commit',
    rebase: `by making the unit's own commits again on it; choo keeps the old head ${at(from)}`,
    found: 'by a rebase that choo did not make',
  }[way];
  const change = same
    ? `the unit's own change is the same as before, byte for byte`
    : files.length === 0
      ? `the unit's own change could not be compared with what it was before`
      : `the unit's own change is not the same as before in ${listed(
          files.map((file) => code(file)),
          20,
        )}`;
  return [
    `The branch was brought up to date with its base ${how}${same ? ';' : ', and'} ${change}.`,
    ...(joined > 0 ? [`${joined} commits became one, since a merge or a conflict is among them.`] : []),
  ].join(' ');
}
