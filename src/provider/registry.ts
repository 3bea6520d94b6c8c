import { PROVIDER_NAMES, type ProviderName } from '../config/schema.ts';
import { ChooError } from '../errors.ts';
import { nearest } from '../text/nearest.ts';
import { claude } from './claude.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';
import { opencode } from './opencode.ts';
import type { Provider } from './provider.ts';
import { rehearsal } from './rehearsal.ts';

const PROVIDERS: Readonly<Record<ProviderName, Provider>> = { claude, codex, gemini, opencode, rehearsal };

/** The provider of that name. A name that nobody checked is welcome: an unknown one is a ChooError (`usage`). */
export function createProvider(name: string): Provider {
  const known = PROVIDER_NAMES.find((each) => each === name);
  if (known !== undefined) return PROVIDERS[known];
  const close = nearest(name, PROVIDER_NAMES);
  const names = `the providers are ${PROVIDER_NAMES.join(', ')}`;
  throw new ChooError('usage', `there is no provider \`${name}\``, {
    hint: close === undefined ? names : `did you mean \`${close}\`? ${names}`,
  });
}
