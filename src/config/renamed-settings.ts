import { ChooError } from '../errors.ts';

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The new name of each renamed variable. The old names are read until the next release. */
const RENAMED: Readonly<Record<string, string>> = {
  CHOO_PROVIDERS: 'CHOO_ALLOWED_PROVIDERS',
  CHOO_MODELS: 'CHOO_ALLOWED_MODELS',
  CHOO_BOTS: 'CHOO_ALLOWED_BOTS',
};

/** The old and the new name of a variable. */
export interface Rename {
  readonly old: string;
  readonly name: string;
}

/** The variables that are set by their old names. */
export function findOldNames(environment: Environment): readonly Rename[] {
  return Object.entries(RENAMED)
    .filter(([old]) => isSet(environment[old]))
    .map(([old, name]) => ({ old, name }));
}

/** The warning about an old name. */
export function renameNotice({ old, name }: Rename): string {
  return `${old} was renamed to ${name}; the old name works until the next release`;
}

/**
 * The value of a variable, and the name that sets it: its own, or its old one. Throws a ChooError (`environment`) when both
 * are set and differ.
 */
export function readVariable(
  environment: Environment,
  name: string,
): { readonly name: string; readonly value: string | undefined } {
  const value = environment[name];
  const old = Object.keys(RENAMED).find((each) => RENAMED[each] === name);
  const oldValue = old === undefined ? undefined : environment[old];
  if (old === undefined || !isSet(oldValue)) return { name, value };
  if (isSet(value) && value !== oldValue)
    throw new ChooError('environment', `${name} and ${old}, its old name, have different values`, {
      hint: `unset ${old}`,
    });
  return { name: old, value: oldValue };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
