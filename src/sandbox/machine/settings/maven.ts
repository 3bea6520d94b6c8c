import { addressOf } from '../address.ts';

/** The mirrors and proxies in a `settings.xml` of Maven, without users and passwords. Servers hold credentials alone. */
export function mavenSettings(text: string): string {
  const plain = withoutComments(text);
  const mirrors = elements(plain, 'mirror').flatMap((mirror) => {
    const url = addressOf(valueOf(mirror, 'url'));
    if (url === undefined) return [];
    return [block('mirror', [...valuesOf(mirror, ['id', 'mirrorOf']), ['url', url]])];
  });
  const proxies = elements(plain, 'proxy').flatMap((proxy) => {
    const values = valuesOf(proxy, ['id', 'active', 'protocol', 'host', 'port', 'nonProxyHosts']);
    return values.some(([name]) => name === 'host') ? [block('proxy', values)] : [];
  });
  if (mirrors.length + proxies.length === 0) return '';
  return `<settings>\n<mirrors>\n${mirrors.join('')}</mirrors>\n<proxies>\n${proxies.join('')}</proxies>\n</settings>\n`;
}

function withoutComments(text: string): string {
  return text
    .split('<!--')
    .map((part, index) =>
      index === 0 ? part : part.slice(part.includes('-->') ? part.indexOf('-->') + 3 : part.length),
    )
    .join('');
}

/** What stands between the tags of each element of a name. */
function elements(text: string, name: string): readonly string[] {
  const [, ...parts] = text.split(`<${name}>`);
  return parts.flatMap((part) => {
    const end = part.indexOf(`</${name}>`);
    return end < 0 ? [] : [part.slice(0, end)];
  });
}

function valueOf(text: string, name: string): string {
  return (elements(text, name)[0] ?? '').trim();
}

/** Plain values: of names, numbers and hosts. */
function valuesOf(text: string, names: readonly string[]): (readonly [name: string, value: string])[] {
  return names.flatMap((name) => {
    const value = valueOf(text, name);
    return /^[\w.,:*!| -]{1,200}$/.test(value) ? [[name, value] as const] : [];
  });
}

function block(name: string, values: readonly (readonly [name: string, value: string])[]): string {
  const lines = values.map(([key, value]) => `<${key}>${value.replaceAll('&', '&amp;')}</${key}>`);
  return `<${name}>${lines.join('')}</${name}>\n`;
}
