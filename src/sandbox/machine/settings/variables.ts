import { parse } from 'smol-toml';
import { readKeyValues } from './key-value.ts';

/** The variables that say what pip reads in its configuration. */
export function pipVariables(text: string): Readonly<Record<string, string>> {
  return pickKeys(readKeyValues(text), {
    'global.index-url': 'PIP_INDEX_URL',
    'install.index-url': 'PIP_INDEX_URL',
    'global.extra-index-url': 'PIP_EXTRA_INDEX_URL',
    'install.extra-index-url': 'PIP_EXTRA_INDEX_URL',
    'global.trusted-host': 'PIP_TRUSTED_HOST',
    'global.proxy': 'PIP_PROXY',
    'global.cert': 'PIP_CERT',
  });
}

/** Those of Go, from the file that `go env -w` writes. */
export function goVariables(text: string): Readonly<Record<string, string>> {
  const names = ['GOPROXY', 'GOSUMDB', 'GOPRIVATE', 'GONOPROXY', 'GONOSUMDB'];
  return pickKeys(readKeyValues(text), Object.fromEntries(names.map((name) => [name, name])));
}

/** The options of Gradle's Java, from its `gradle.properties`: proxies, which Java reads from no variable of another kind. */
export function gradleVariables(text: string): Readonly<Record<string, string>> {
  const words = readKeyValues(text).flatMap(([key, value]) => {
    const name = /^systemProp\.(https?\.(?:proxyHost|proxyPort|nonProxyHosts))$/.exec(key)?.[1];
    return name === undefined || !/^[\w.*|-]+$/.test(value) ? [] : [`-D${name}=${value}`];
  });
  return words.length === 0 ? {} : { GRADLE_OPTS: words.join(' ') };
}

/** Those of uv, from its `uv.toml`. */
export function uvVariables(text: string): Readonly<Record<string, string>> {
  const found = parse(text);
  const indexes = (Array.isArray(found['index']) ? found['index'] : []) as readonly unknown[];
  const more: string[] = [];
  let standard = textOf(found['index-url']);
  for (const index of indexes) {
    const { name, url, default: isDefault } = index as Readonly<Record<string, unknown>>;
    const address = `${textOf(name) === undefined ? '' : `${textOf(name)}=`}${textOf(url) ?? ''}`;
    if (isDefault === true) standard = address;
    else more.push(address);
  }
  const extra = found['extra-index-url'];
  if (Array.isArray(extra)) more.push(...extra.filter((each) => typeof each === 'string'));
  return {
    ...(standard === undefined ? {} : { UV_DEFAULT_INDEX: standard }),
    ...(more.length === 0 ? {} : { UV_INDEX: more.join(' ') }),
  };
}

function pickKeys(
  found: readonly (readonly [key: string, value: string])[],
  names: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    found.flatMap(([key, value]) => {
      const name = names[key];
      return name === undefined ? [] : [[name, value] as const];
    }),
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
