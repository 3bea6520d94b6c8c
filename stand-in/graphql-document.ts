import type { Json } from './world.ts';

/** A field that a GraphQL request selects. */
export interface Selection {
  readonly name: string;
  /** Its key in the answer. */
  readonly alias: string;
  readonly arguments: Json;
  readonly fields: readonly Selection[];
}

interface Operation {
  readonly kind: 'query' | 'mutation';
  readonly fields: readonly Selection[];
}

/** Comments; strings; variables, names, numbers; spreads; brackets. Commas mean nothing. */
const TOKENS = /#[^\n]*|"(?:\\.|[^"\\])*"|\$?\w+|-\d+|\.{3}|[{}()[\]:!=]/g;

/**
 * Reads the one operation of a request, with the values of its variables in the arguments. Inline fragments count as their
 * fields. Throws an Error for what is no such operation.
 */
export function readOperation(query: string, variables: Json): Operation {
  const tokens = [...query.matchAll(TOKENS)]
    .map(([token]) => token)
    .filter((token) => !token.startsWith('#'));
  let at = 0;
  const take = (wanted?: string): string => {
    const token = tokens[at];
    if (token === undefined || (wanted !== undefined && token !== wanted))
      throw new Error(`Parse error on "${token ?? ''}", expected ${wanted ?? 'more'}`);
    at += 1;
    return token;
  };
  const skipParentheses = (): void => {
    let depth = 0;
    do {
      const token = take();
      depth += token === '(' ? 1 : token === ')' ? -1 : 0;
    } while (depth > 0);
  };
  const value = (): unknown => {
    const token = take();
    if (token.startsWith('$')) return variables[token.slice(1)] ?? null;
    if (token === '{') return entries('}');
    if (token === '[') {
      const list: unknown[] = [];
      while (tokens[at] !== ']') list.push(value());
      take(']');
      return list;
    }
    if (token.startsWith('"') || /^-?\d+$/.test(token) || ['true', 'false', 'null'].includes(token))
      return JSON.parse(token) as unknown;
    return token; // a value of an enumeration
  };
  const entries = (end: string): Json => {
    const found: Record<string, unknown> = {};
    while (tokens[at] !== end) {
      const name = take();
      take(':');
      found[name] = value();
    }
    take(end);
    return found;
  };
  const selections = (): Selection[] => {
    take('{');
    const found: Selection[] = [];
    while (tokens[at] !== '}') {
      if (tokens[at] === '...') {
        take('...');
        take('on');
        take();
        found.push(...selections());
        continue;
      }
      const first = take();
      const isAliased = tokens[at] === ':';
      const name = isAliased ? (take(':'), take()) : first;
      const given = tokens[at] === '(' ? (take('('), entries(')')) : {};
      const fields = tokens[at] === '{' ? selections() : [];
      found.push({ name, alias: first, arguments: given, fields });
    }
    take('}');
    return found;
  };
  const kind = tokens[at] === '{' ? 'query' : take();
  if (kind !== 'query' && kind !== 'mutation') throw new Error(`Parse error on "${kind}"`);
  if (tokens[at] !== '{' && tokens[at] !== '(') take();
  if (tokens[at] === '(') skipParentheses();
  return { kind, fields: selections() };
}

/**
 * The selected fields of an object. What the object lacks is an error, as GitHub answers it: so a misspelled field is noticed.
 * A function is a field that takes arguments. Throws an Error.
 */
export async function project(value: unknown, fields: readonly Selection[]): Promise<unknown> {
  if (value === null || value === undefined || fields.length === 0) return value ?? null;
  if (Array.isArray(value)) return Promise.all(value.map(async (each) => project(each, fields)));
  const from = value as Readonly<Record<string, unknown>>;
  const entries = await Promise.all(
    fields.map(async ({ name, alias, arguments: given, fields: below }) => {
      if (!Object.hasOwn(from, name))
        throw new Error(`Field '${name}' doesn't exist on type '${String(from['__typename'])}'`);
      const found = from[name];
      const answered = typeof found === 'function' ? await (found as Resolver)(given) : found;
      return [alias, await project(answered, below)] as const;
    }),
  );
  return Object.fromEntries(entries);
}

type Resolver = (given: Json) => unknown;

/** A page of a list as a connection. GitHub wants `first` or `last`, from 1 to 100. Throws an Error. */
export function connect(items: readonly { readonly id: string }[] | readonly object[], given: Json): Json {
  const size = Number(given['first'] ?? given['last']);
  if (!Number.isInteger(size))
    throw new Error('You must provide a `first` or `last` value to properly paginate the connection.');
  if (size > 100)
    throw new Error(
      `Requesting ${size} records on the connection exceeds the \`first\` limit of 100 records.`,
    );
  const after = given['after'];
  const from =
    given['first'] === undefined
      ? Math.max(0, items.length - size)
      : typeof after === 'string'
        ? Number(after)
        : 0;
  const nodes = items.slice(from, from + size);
  const end = from + nodes.length;
  return {
    __typename: 'Connection',
    totalCount: items.length,
    nodes,
    pageInfo: {
      __typename: 'PageInfo',
      hasNextPage: end < items.length,
      hasPreviousPage: from > 0,
      endCursor: nodes.length === 0 ? null : `${end}`,
      startCursor: nodes.length === 0 ? null : `${from}`,
    },
  };
}
