import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { type Position, shorten } from './problem.ts';

/** A YAML text read into nodes that know their offsets, with whatever was wrong with it. */
export interface YamlText {
  readonly document: Document.Parsed;
  readonly faults: readonly (Position & { readonly message: string })[];
  /** The place of an offset in the text. */
  readonly at: (offset: number) => Position;
}

/**
 * Reads YAML without resolving anything: no alias is expanded and no type is guessed, so a bomb stays a few nodes.
 * Nesting too deep for the parser is one of the faults; nothing is thrown.
 */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    keepSourceTokens: false,
    stringKeys: true,
    uniqueKeys: false, // the parser compares every pair of keys; below they are compared once each
    logLevel: 'silent',
  });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const faults: YamlText['faults'] = document.errors.map((error) => ({
    message: oneLine(error.message),
    ...at(error.pos[0]),
  }));
  return { document, faults: [...faults, ...duplicateKeys(document, at)], at };
}

function duplicateKeys(document: Document.Parsed, at: YamlText['at']): YamlText['faults'] {
  const found: (Position & { message: string })[] = [];
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value))
          found.push({
            message: `the key \`${shorten(String(key.value))}\` appears twice`,
            ...at(key.range?.[0] ?? 0),
          });
        seen.add(key.value);
      }
    },
  });
  return found;
}

function oneLine(message: string): string {
  const sentence = message.replaceAll(/\s+/g, ' ').trim();
  return shorten(sentence.charAt(0).toLowerCase() + sentence.slice(1));
}
