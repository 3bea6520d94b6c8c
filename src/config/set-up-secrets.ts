import { z } from 'zod';
import { faultOfName } from './control-variables.ts';

/** A credential that set-up may get, as an operator lists it. */
export interface SetUpSecret {
  /** The variable that holds it, here and for set-up. */
  readonly name: string;
  /** Whose repositories it is for on a server: `owner` or `owner/repository`, in lower case. */
  readonly scope: string | undefined;
}

/** One entry of `CHOO_SETUP_SECRETS`: `NAME`, `NAME@owner` or `NAME@owner/repository`. */
export const setUpSecret = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]{0,99}(?:@[A-Za-z0-9-]{1,100}(?:\/[A-Za-z0-9._-]{1,100})?)?$/,
    'a list of `NAME`, `NAME@owner` or `NAME@owner/repository`',
  )
  .transform((text): SetUpSecret => {
    const [name = '', scope] = text.split('@');
    return { name, scope: scope?.toLowerCase() };
  })
  .refine(
    ({ name }) => faultOfName(name) === undefined,
    'names of variables that a sandbox does not set itself',
  );

/**
 * The names of the secrets for a repository: on a server, which works for several owners, those whose scope its remote is in;
 * on a laptop (null) those without a scope.
 */
export function namesFor(secrets: readonly SetUpSecret[], remote: string | null): readonly string[] {
  const [repository = '', owner = ''] = (remote ?? '')
    .toLowerCase()
    .replace(/\.git$/, '')
    .split(/[/:]/)
    .toReversed();
  const scopes: readonly (string | undefined)[] =
    remote === null ? [undefined] : owner === '' ? [] : [owner, `${owner}/${repository}`];
  return secrets.filter(({ scope }) => scopes.includes(scope)).map(({ name }) => name);
}
