/** What is true of the head of a unit's pull request. */
export type Verdict =
  /** It is as the unit's last run left it. */
  | { readonly kind: 'recorded' }
  /** Every gate passed at this head, after choo or a person moved the branch. */
  | { readonly kind: 'verified'; readonly head: string }
  /** Its gates run, or are about to. */
  | { readonly kind: 'pending'; readonly head: string }
  /** Its gates failed, or could not run. */
  | { readonly kind: 'unverified'; readonly head: string; readonly reason: string }
  /** Its gates passed, but what it stands on has other specs for the unit than those that they are of. */
  | { readonly kind: 'specs-changed'; readonly head: string }
  /** It does not merge with the branch that it goes to. */
  | ConflictVerdict;

/** `authors`: who changed the files on this branch, and on the other side. */
export interface ConflictVerdict {
  readonly kind: 'conflict';
  readonly files: readonly string[];
  readonly authors: ConflictAuthors;
  /** Whether an agent may resolve it, or is about to. */
  readonly agent: 'offered' | 'works' | 'none';
  /** Why an agent could not; null: none tried. */
  readonly failed: string | null;
  /** What conflicts are the branches that the unit builds on, with each other or with the target: `files` are these. */
  readonly isOfBase?: boolean;
}

/** Names of authors, the first ones where there are many. */
export interface ConflictAuthors {
  readonly own: readonly string[];
  readonly theirs: readonly string[];
}
