import { ChooError } from '../errors.ts';
import { nearest } from '../text/nearest.ts';
import type { Provider } from './provider.ts';
import * as registry from './registry.ts';

export type ProviderName = keyof typeof registry;

/** The providers of the registry, in the order of their names: exports of a module are always sorted. */
export const PROVIDERS: Readonly<Record<ProviderName, Provider>> = registry;

/** The names of all providers: agent CLIs, and `rehearsal`, which costs nothing. */
export const PROVIDER_NAMES = Object.keys(PROVIDERS) as readonly ProviderName[];

/** The provider of this name. Throws a ChooError (`usage`) when there is none. */
export function createProvider(name: string): Provider {
  const known = PROVIDER_NAMES.find((each) => each === name);
  if (known !== undefined) return PROVIDERS[known];
  const close = nearest(name, PROVIDER_NAMES);
  const names = `the providers are ${PROVIDER_NAMES.join(', ')}`;
  throw new ChooError('usage', `there is no provider \`${name}\``, {
    hint: close === undefined ? names : `did you mean \`${close}\`? ${names}`,
  });
}
