import type { Variable } from './provider.ts';

/** The variables of proxies. A proxy's address may contain a password. */
export const PROXY_VARIABLES: readonly Variable[] = [
  { name: 'HTTPS_PROXY', secret: true },
  { name: 'HTTP_PROXY', secret: true },
  { name: 'NO_PROXY', secret: false },
];

/** The given variables that a provider declares, without empty ones. */
export function pickVariables(
  declared: readonly Variable[],
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    declared.flatMap(({ name }) => {
      const value = Object.hasOwn(given, name) ? given[name] : undefined;
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}
