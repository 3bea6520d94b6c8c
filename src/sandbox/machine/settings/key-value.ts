/** The settings in lines `key = value` of an ini file; keys below a section begin with its name and a dot. Lines of comments and all others are left out. */
export function readKeyValues(text: string): readonly (readonly [key: string, value: string])[] {
  let section = '';
  return text.split('\n').flatMap((raw) => {
    const line = raw.trim();
    if (/^[#;!]/.test(line)) return [];
    if (line.startsWith('[') && line.endsWith(']')) {
      section = `${line.slice(1, -1).trim()}.`;
      return [];
    }
    const at = line.indexOf('=');
    if (at < 1) return [];
    const value = line.slice(at + 1).trim();
    return [[section + line.slice(0, at).trim(), unquote(value)] as const];
  });
}

function unquote(value: string): string {
  const [, text = value] = /^"([^"]*)"$/.exec(value) ?? /^'([^']*)'$/.exec(value) ?? [];
  return text;
}
