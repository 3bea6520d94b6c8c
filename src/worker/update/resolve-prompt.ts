import type { Unit } from '../../discovery/unit.ts';
import { oneLine, RULES } from '../../provider/prompt.ts';
import { Quotation } from './quotation.ts';
import { specsText } from './specs-text.ts';

/** A conflict between a unit's work and its new place. */
export interface ConflictPrompt {
  readonly unit: Unit;
  /** Where the unit's pull request goes. */
  readonly place: string;
  readonly files: readonly ConflictingFile[];
  /** What each side did to the conflicting files, as patches. */
  readonly own: string;
  readonly theirs: string;
}

interface ConflictingFile {
  /** From the repository's root. */
  readonly path: string;
  /** On which sides it is still there; undefined: on neither, git made it up for this conflict. */
  readonly on: 'both' | 'own' | 'theirs' | undefined;
}

/** UTF-16 code units of each patch. */
export const MAX_PATCH = 60_000;

/** The prompt for the one attempt at resolving a conflict. Only the word of the quotation is random. */
export function resolvePrompt(
  { unit, place, files, own, theirs }: ConflictPrompt,
  quotation = new Quotation(),
): string {
  return `${[
    `# Your task: resolve a merge conflict`,
    [
      `- Unit: \`${unit.id}\` (${oneLine(unit.title)}), whose tasks are all done`,
      `- Merged: its branch, and what is now on \`${oneLine(place)}\``,
      '- Attempt: the only one',
    ].join('\n'),
    `This directory holds the merge. What git could not merge stands in the files below, with conflict markers where both sides
changed the same lines. Resolve it so that both changes keep their meaning, and leave no conflict marker behind. Change nothing
that the conflict does not need.`,
    files.map(describeFile).join('\n'),
    RULES,
    'Every gate of the unit is run on the result, not only one.',
    quotation.rule,
    specsText(unit),
    `## What the unit did to these files\n\n${quotation.code('the patch of the unit', own, MAX_PATCH)}`,
    `## What was done to them on the other side\n\n${quotation.code('the patch of the other side', theirs, MAX_PATCH)}`,
  ].join('\n\n')}\n`;
}

const SIDES = {
  both: 'changed on both sides',
  own: 'changed by the unit, deleted or moved on the other side',
  theirs: 'deleted or moved by the unit, changed on the other side',
} as const;

function describeFile({ path, on }: ConflictingFile): string {
  return `- \`${oneLine(path)}\`: ${on === undefined ? 'both sides put something else there' : SIDES[on]}`;
}
