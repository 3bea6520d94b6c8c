import { parse, stringify, type TomlTable } from 'smol-toml';
import { addressOf, proxyOf } from '../address.ts';

/** The addresses in a `config.toml` of cargo: replaced sources, registries, the proxy. */
export function cargoSettings(text: string): string {
  const found = parse(text);
  const [sources, registries] = [tablesOf(found['source']), tablesOf(found['registries'])];
  const proxy = proxyOf(textOf(tableOf(found['http'])['proxy']) ?? '');
  const standard = textOf(tableOf(found['registry'])['default']);
  const kept = {
    source: pick(sources, { 'replace-with': nameOf, registry: addressOf, git: addressOf }),
    registries: pick(registries, { index: addressOf }),
    ...(proxy === undefined ? {} : { http: { proxy } }),
    ...(standard === undefined || nameOf(standard) === undefined ? {} : { registry: { default: standard } }),
  };
  const isEmpty = Object.values(kept).every((table) => Object.keys(table).length === 0);
  return isEmpty ? '' : stringify(kept);
}

/** The variable that says which certificates cargo was told to trust. */
export function cargoVariables(text: string): Readonly<Record<string, string>> {
  const file = textOf(tableOf(parse(text)['http'])['cainfo']);
  return file === undefined ? {} : { CARGO_HTTP_CAINFO: file };
}

type Reader = (value: string) => string | undefined;

/** Of each table, what the readers leave; tables of which nothing is left are left out. */
function pick(
  tables: Readonly<Record<string, TomlTable>>,
  readers: Readonly<Record<string, Reader>>,
): Record<string, Record<string, string>> {
  const kept = Object.entries(tables).flatMap(([name, table]) => {
    const values = Object.entries(readers).flatMap(([key, read]) => {
      const value = read(textOf(table[key]) ?? '');
      return value === undefined ? [] : [[key, value] as const];
    });
    return values.length === 0 || nameOf(name) === undefined
      ? []
      : [[name, Object.fromEntries(values)] as const];
  });
  return Object.fromEntries(kept);
}

function nameOf(text: string): string | undefined {
  return /^[\w.-]{1,64}$/.test(text) ? text : undefined;
}

function tableOf(value: unknown): TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as TomlTable) : {};
}

function tablesOf(value: unknown): Readonly<Record<string, TomlTable>> {
  return Object.fromEntries(Object.entries(tableOf(value)).map(([name, table]) => [name, tableOf(table)]));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
