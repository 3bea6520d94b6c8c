import { suggestion } from '../text/nearest.ts';
import { PROVIDER_NAMES, type ProviderName } from './by-name.ts';

/** The sources that may name a provider, strongest first. */
export const PROVIDER_SOURCES = [
  'forced',
  'unit',
  'request',
  'environment',
  'configuration',
  'default',
] as const;
export type ProviderSource = (typeof PROVIDER_SOURCES)[number];

/** The name from each source, unchecked; absent and empty both mean that it names none. */
export type ProviderCandidates = Partial<
  Readonly<Record<Exclude<ProviderSource, 'default'>, string | undefined>>
>;

/** The provider of a unit and the source that named it, or why there is none. `hint` says what to write instead. */
export type ProviderChoice =
  | { readonly ok: true; readonly provider: ProviderName; readonly source: ProviderSource }
  | {
      readonly ok: false;
      readonly reason: 'unknown' | 'forbidden';
      readonly got: string;
      readonly source: ProviderSource;
      readonly hint: string | undefined;
    };

/** The provider when no source names one. */
const DEFAULT_PROVIDER: ProviderName = 'claude';

/**
 * Chooses a unit's provider: the strongest source that names one decides. When its choice is unknown or forbidden there is
 * no fallback to a weaker source, which would be a guess. `allowed` is the operator's list; undefined allows all. Pure.
 */
export function chooseProvider(
  candidates: ProviderCandidates,
  allowed: readonly ProviderName[] = PROVIDER_NAMES,
): ProviderChoice {
  const source =
    PROVIDER_SOURCES.find((each) => each === 'default' || (candidates[each] ?? '') !== '') ?? 'default';
  const got = source === 'default' ? DEFAULT_PROVIDER : (candidates[source] ?? '');
  const provider = PROVIDER_NAMES.find((name) => name === got);
  if (provider === undefined)
    return { ok: false, reason: 'unknown', got, source, hint: suggestion(got, PROVIDER_NAMES) };
  if (!allowed.includes(provider)) {
    return {
      ok: false,
      reason: 'forbidden',
      got,
      source,
      hint: `allowed here: ${allowed.join(', ') || 'none'}`,
    };
  }
  return { ok: true, provider, source };
}
