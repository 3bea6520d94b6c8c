import { type Document, isScalar, parseDocument, visit, type YAMLError } from 'yaml';
import { type Position, shorten } from './problem.ts';
import { lineIndex } from './text-lines.ts';

/** A parsed YAML text, whose nodes have offsets, with its faults. */
export interface YamlText {
  readonly document: Document.Parsed;
  readonly faults: readonly (Position & { readonly message: string })[];
  /** The position of an offset in the text. */
  readonly at: (offset: number) => Position;
}

/**
 * Parses YAML without resolving anything: no alias is expanded, so an alias bomb stays a few nodes. Nesting too deep for
 * the parser and duplicate keys are faults too. Throws and prints nothing.
 */
export function readYaml(text: string): YamlText {
  const document = parseWithoutTraces(text);
  const at = lineIndex(text);
  // Later syntax faults mostly follow from the first one.
  const faults = document.errors
    .slice(0, 1)
    .map((error) => ({ message: describe(error), ...at(error.pos[0]) }));
  return { document, faults: [...faults, ...duplicateKeys(document, at)], at };
}

/** Parses without stack traces: the parser creates an Error per fault, and tracing tens of thousands is too slow. */
function parseWithoutTraces(text: string): Document.Parsed {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parseDocument(text, {
      prettyErrors: false,
      keepSourceTokens: false,
      stringKeys: true,
      uniqueKeys: false, // compares every pair of keys; `duplicateKeys` looks at each key once
      logLevel: 'error', // `silent` would also hide a second document
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
  if (code === 'RESOURCE_EXHAUSTION') return 'nested too deeply';
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here';
  const sentence = message.replaceAll(/\s+/g, ' ').trim();
  return shorten(sentence.charAt(0).toLowerCase() + sentence.slice(1));
}
