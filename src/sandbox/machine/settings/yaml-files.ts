import { parse, stringify } from 'yaml';
import { addressOf, proxyOf } from '../address.ts';

/** The addresses in a `.yarnrc.yml`. */
export function yarnSettings(text: string): string {
  const found = tableOf(parse(text));
  const kept: Record<string, unknown> = {};
  const take = (key: string, value: string | undefined): void => {
    if (value !== undefined) kept[key] = value;
  };
  take('npmRegistryServer', addressOf(textOf(found['npmRegistryServer'])));
  for (const key of ['httpProxy', 'httpsProxy']) take(key, proxyOf(textOf(found[key])));
  const scopes = Object.entries(tableOf(found['npmScopes'])).flatMap(([name, scope]) => {
    const address = addressOf(textOf(tableOf(scope)['npmRegistryServer']));
    return address === undefined ? [] : [[name, { npmRegistryServer: address }] as const];
  });
  if (scopes.length > 0) kept['npmScopes'] = Object.fromEntries(scopes);
  return Object.keys(kept).length === 0 ? '' : stringify(kept);
}

/** The mirrors in the configuration of bundler: `BUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG/: "https://…"`. */
export function bundlerSettings(text: string): string {
  const kept = Object.entries(tableOf(parse(text))).flatMap(([key, value]) => {
    const address = addressOf(textOf(value));
    // The name holds an address, too: that of the source that is mirrored.
    return key.startsWith('BUNDLE_MIRROR__') && !key.includes('@') && address !== undefined
      ? [[key, address] as const]
      : [];
  });
  return kept.length === 0 ? '' : stringify(Object.fromEntries(kept));
}

function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** Nothing where it is no text: no address is empty. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
