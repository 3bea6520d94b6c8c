import { addressOf, namesOf, proxyOf } from '../address.ts';
import { readKeyValues } from './key-value.ts';

/** The addresses in an `.npmrc`, as another one. `${NAME}` in it is left for npm, which finds no such variable. */
export function npmSettings(text: string): string {
  const kept = readKeyValues(text).flatMap(([key, value]) => {
    const address = readOf(key)?.(value);
    return address === undefined ? [] : [`${key} = ${address}\n`];
  });
  return kept.join('');
}

function readOf(key: string): ((value: string) => string | undefined) | undefined {
  if (/^(?:@[a-z0-9][\w.-]*:)?registry$/i.test(key)) return addressOf;
  if (/^(?:https?-)?proxy$/.test(key)) return proxyOf;
  return key === 'noproxy' ? namesOf : undefined;
}

/** The variable that says which certificates npm was told to trust. */
export function npmVariables(text: string): Readonly<Record<string, string>> {
  const [, file] = readKeyValues(text).findLast(([key]) => key === 'cafile') ?? [];
  return file === undefined ? {} : { NODE_EXTRA_CA_CERTS: file };
}
