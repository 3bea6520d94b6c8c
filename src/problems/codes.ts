import type { CodeArea } from './code-entry.ts';
import { CONFIG_CODES, GATE_CODES, PROVIDER_CODES, RELATION_CODES, REPOSITORY_CODES } from './plan-codes.ts';
import { FORMAT_CODES } from './format-codes.ts';
import { FIELD_CODES, FILE_CODES, TREE_CODES } from './spec-codes.ts';

/**
 * Every code that a problem may have, by area, in the order of the documentation. A rule that reports a new code adds
 * its entry to an area; `docs/checks.md` and the type below follow.
 */
export const CODE_AREAS = {
  'The spec tree': TREE_CODES,
  'Files of a unit': FILE_CODES,
  'Front matter': FIELD_CODES,
  'Task lists of other tools': FORMAT_CODES,
  'Units and tasks': RELATION_CODES,
  Gates: GATE_CODES,
  Configuration: CONFIG_CODES,
  Providers: PROVIDER_CODES,
  'Branches and status': REPOSITORY_CODES,
} as const satisfies Readonly<Record<string, CodeArea>>;

type CodesOf<Area> = Area extends CodeArea ? keyof Area & string : never;

/** The stable name of a rule: one of the catalogue. */
export type ProblemCode = CodesOf<(typeof CODE_AREAS)[keyof typeof CODE_AREAS]>;
