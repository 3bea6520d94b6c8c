import { type Document, isScalar, parseDocument, visit, type YAMLError } from 'yaml';
import { type Position, shorten } from './problem.ts';
import { lineIndex } from './text-lines.ts';

/** A YAML text read into nodes that know their offsets, with whatever was wrong with it. */
export interface YamlText {
  readonly document: Document.Parsed;
  readonly faults: readonly (Position & { readonly message: string })[];
  /** The place of an offset in the text. */
  readonly at: (offset: number) => Position;
}

/**
 * Reads YAML without resolving anything: no alias is expanded, so a bomb stays a few nodes. Nesting too deep for the
 * parser and keys that appear twice are faults like any other; nothing is thrown and nothing is printed.
 */
export function readYaml(text: string): YamlText {
  const document = parseWithoutTraces(text);
  const at = lineIndex(text);
  // What follows the first fault of the syntax is mostly its consequence.
  const faults = document.errors
    .slice(0, 1)
    .map((error) => ({ message: describe(error), ...at(error.pos[0]) }));
  return { document, faults: [...faults, ...duplicateKeys(document, at)], at };
}

/** The parser makes an Error of every fault. Tracing tens of thousands of them would cost more than all else. */
function parseWithoutTraces(text: string): Document.Parsed {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parseDocument(text, {
      prettyErrors: false,
      keepSourceTokens: false,
      stringKeys: true,
      uniqueKeys: false, // it compares every pair of keys; below they are compared once each
      logLevel: 'error', // `silent` would also keep it from reporting a second document
    });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function duplicateKeys(document: Document.Parsed, at: YamlText['at']): YamlText['faults'] {
  const found: (Position & { message: string })[] = [];
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          const name = shorten(String(key.value));
          found.push({ message: `the key \`${name}\` appears twice`, ...at(key.range?.[0] ?? 0) });
        }
        seen.add(key.value);
      }
    },
  });
  return found;
}

function describe({ code, message }: YAMLError): string {
  if (code === 'RESOURCE_EXHAUSTION') return 'it is nested too deeply';
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here';
  const sentence = message.replaceAll(/\s+/g, ' ').trim();
  return shorten(sentence.charAt(0).toLowerCase() + sentence.slice(1));
}
