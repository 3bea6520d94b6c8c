import { parseAst } from 'vitest/node';

/** A regular expression of a source file. */
export interface Expression {
  readonly line: number;
  /** As it is written as a literal. */
  readonly literal: string;
  readonly source: string;
  readonly flags: string;
}

/** One that is put together from what the reader below does not know. */
export interface Unreadable {
  readonly line: number;
  readonly text: string;
}

type Node = Readonly<Record<string, unknown>> & { readonly type: string; readonly start: number };

/** The regular expressions of a TypeScript text, by its syntax tree: literals, and `RegExp(…)` of constant text. */
export function findExpressions(text: string): {
  readonly expressions: readonly Expression[];
  readonly unreadable: readonly Unreadable[];
} {
  const expressions: Expression[] = [];
  const unreadable: Unreadable[] = [];
  const constants = new Map<string, Node>();
  const nodes = [...walk(parseAst(text, { lang: 'ts' }))];
  for (const node of nodes)
    if (node.type === 'VariableDeclarator' && isNode(node['init']))
      constants.set(String(property(node['id'], 'name')), node['init']);
  for (const node of nodes) {
    const line = text.slice(0, node.start).split('\n').length;
    const regex = node['regex'];
    if (node.type === 'Literal' && typeof regex === 'object' && regex !== null) {
      const { pattern, flags } = regex as { pattern: string; flags: string };
      expressions.push({ line, literal: `/${pattern}/${flags}`, source: pattern, flags });
    } else if (isRegExpCall(node)) {
      const [source, flags] = (node['arguments'] as readonly Node[]).map((part) => textOf(part, constants));
      if (source === undefined) unreadable.push({ line, text: text.slice(node.start, Number(node['end'])) });
      else expressions.push({ line, literal: `/${source}/${flags ?? ''}`, source, flags: flags ?? '' });
    }
  }
  return { expressions, unreadable };
}

function isRegExpCall(node: Node): boolean {
  return (
    (node.type === 'NewExpression' || node.type === 'CallExpression') &&
    (property(node['callee'], 'name') === 'RegExp' ||
      property(property(node['callee'], 'property'), 'name') === 'RegExp')
  );
}

/** The text that an expression of constant parts stands for. */
function textOf(node: Node, constants: ReadonlyMap<string, Node>): string | undefined {
  switch (node.type) {
    case 'Literal':
      return typeof node['value'] === 'string' ? node['value'] : undefined;
    case 'Identifier': {
      const constant = constants.get(String(node['name']));
      return constant === undefined ? undefined : textOf(constant, constants);
    }
    case 'BinaryExpression':
      return node['operator'] === '+'
        ? join([node['left'] as Node, node['right'] as Node].map((part) => textOf(part, constants)))
        : undefined;
    case 'TemplateLiteral': {
      const quasis = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[];
      const values = (node['expressions'] as readonly Node[]).map((part) => textOf(part, constants));
      return join(
        quasis.flatMap(({ value }, index) =>
          index < values.length ? [value.cooked, values[index]] : [value.cooked],
        ),
      );
    }
    default:
      return undefined;
  }
}

function join(parts: readonly (string | undefined)[]): string | undefined {
  return parts.includes(undefined) ? undefined : parts.join('');
}

function* walk(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* walk(item);
  else if (typeof value === 'object' && value !== null) {
    if (isNode(value)) yield value;
    for (const child of Object.values(value)) yield* walk(child);
  }
}

function isNode(value: unknown): value is Node {
  return typeof property(value, 'type') === 'string';
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
