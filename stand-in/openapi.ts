import { Ajv, type ErrorObject } from 'ajv';
import reduced from './openapi.json' with { type: 'json' };
import type { SeenRequest } from './options.ts';

/** A request to check: one that a hook sees, or one with repeated parameters. */
export interface CheckedRequest extends Omit<SeenRequest, 'query'> {
  readonly query: Readonly<Record<string, string | readonly string[]>>;
}

/** The parts of a schema that are used here; the validator uses the rest. */
interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly 'x-multi-segment'?: boolean;
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: Schema;
  readonly query: Schema;
  readonly body?: Schema;
  readonly bodyRequired?: boolean;
}

interface Route extends Operation {
  readonly id: string;
  readonly pattern: RegExp;
}

const operations = reduced.operations as unknown as Readonly<Record<string, Operation>>;
const schemas = reduced.schemas as unknown as Readonly<Record<string, Schema>>;

/** Limits from GitHub's documentation or answers, which apply in addition to the document. Lengths are in characters. */
const TEXT = { maxLength: 65_535 };
const LIMITS = {
  properties: {
    body: TEXT,
    output: { properties: { summary: TEXT, text: TEXT, annotations: { maxItems: 50 } } },
    actions: {
      maxItems: 3,
      items: {
        properties: {
          label: { maxLength: 20 },
          description: { maxLength: 40 },
          identifier: { maxLength: 20 },
        },
      },
    },
  },
};

/** Returns what is wrong with a request to GitHub, by GitHub's OpenAPI document. Compiles the validator of a route at its first
 * request. */
export function createRequestCheck(): (request: CheckedRequest) => string[] {
  const settings = { strict: false, allErrors: true, meta: false, validateSchema: false } as const;
  const bodies = new Ajv(settings).addSchema(reduced, 'github').addSchema(LIMITS, 'limits');
  const texts = new Ajv({ ...settings, coerceTypes: true }).addSchema(reduced, 'github'); // in a URL all values are strings
  const routes = Object.entries(operations)
    .map(([id, operation]): Route => ({ ...operation, id, pattern: patternOf(operation) }))
    .sort((a, b) => wordsIn(b.path) - wordsIn(a.path)); // `/commits/{ref}` also matches `/commits/x/check-runs`

  return ({ method, path, query, body, graphql = false }) => {
    if (graphql || /^(?:\/api)?\/graphql$/.test(path))
      return method === 'POST'
        ? checkGraphql((body as { query?: unknown } | undefined)?.query)
        : [`unknown route: ${method} ${path}`];
    const route = routes.find((each) => each.method === method && each.pattern.test(path));
    if (route === undefined) return [`unknown route: ${method} ${path}`];
    const { id } = route;
    const wrong = [
      ...errors(texts, refer(id, 'parameters'), { ...route.pattern.exec(path)?.groups }, 'path'),
      ...errors(texts, refer(id, 'query'), { ...query }, 'query'),
      ...checkBody(bodies, route, body),
    ];
    return [...new Set(wrong)].map((each) => `${id}: ${each}`);
  };
}

function checkBody(ajv: Ajv, { id, body: schema, bodyRequired = false }: Route, body: unknown): string[] {
  const empty = body === undefined || body === null || body === '' || isEmptyObject(body); // clients send `{}` instead of no body
  if (empty && !bodyRequired) return [];
  if (schema === undefined) return ['it takes no body'];
  const value = empty ? {} : body;
  return [
    ...errors(ajv, refer(id, 'body'), value, 'body'),
    ...errors(ajv, 'limits', value, 'body'),
    ...unknownFields([schema], value, 'body'),
  ];
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function refer(id: string, part: 'parameters' | 'query' | 'body'): string {
  return `github#/operations/${id.replaceAll('/', '~1')}/${part}`;
}

/** The number of fixed segments of a path. */
function wordsIn(path: string): number {
  return path.split('/').filter((segment) => !segment.startsWith('{')).length;
}

function patternOf({ path, parameters }: Operation): RegExp {
  const segments = path.split('/').map((segment) => {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) return segment; // words and hyphens
    const mayHaveSlashes = parameters.properties?.[name]?.['x-multi-segment'] === true;
    return mayHaveSlashes ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`;
  });
  return new RegExp(`^${segments.join('/')}$`);
}

/** The errors of a value by a schema. A validator that converts strings to other types changes the value. */
function errors(ajv: Ajv, schema: string, value: unknown, place: string): string[] {
  const validate = ajv.getSchema(schema);
  if (validate === undefined)
    throw new Error(`No schema \`${schema}\`: run \`node script/reduce-openapi.ts\``);
  void validate(value);
  return (validate.errors ?? []).map((error) => inWords(error, place));
}

function inWords({ keyword, params, instancePath, message = keyword }: ErrorObject, place: string): string {
  const at = `${place}${instancePath}`;
  switch (keyword) {
    case 'required':
      return `${at} misses \`${String(params['missingProperty'])}\``;
    case 'additionalProperties':
      return unknownField(at, String(params['additionalProperty']));
    case 'enum':
      return `${at} must be one of ${(params['allowedValues'] as unknown[]).map((each) => `\`${String(each)}\``).join(', ')}`;
    default:
      return `${at} ${message}`;
  }
}

function unknownField(at: string, name: string): string {
  return at === 'query' ? `unknown query parameter \`${name}\`` : `unknown field \`${at}/${name}\``;
}

/** The fields of a value that no schema names. GitHub and its document ignore them, so a misspelled one would go unnoticed. */
function unknownFields(of: readonly Schema[], value: unknown, at: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const parts = of.flatMap(partsOf);
  if (Array.isArray(value)) {
    const items = parts.flatMap((part) => part.items ?? []);
    return value.flatMap((each, index) => unknownFields(items, each, `${at}/${index}`));
  }
  const others = parts.flatMap(({ additionalProperties: rest }) => (typeof rest === 'object' ? rest : []));
  if (parts.every((part) => part.properties === undefined) && others.length === 0) return []; // anything goes
  return Object.entries(value).flatMap(([name, each]) => {
    const named = parts.flatMap(({ properties = {} }) =>
      Object.hasOwn(properties, name) ? (properties[name] ?? []) : [],
    );
    const fields = named.length > 0 ? named : others;
    return fields.length === 0 ? [unknownField(at, name)] : unknownFields(fields, each, `${at}/${name}`);
  });
}

/** A schema and the schemas it is composed of. */
function partsOf(schema: Schema): Schema[] {
  const { $ref, anyOf = [], oneOf = [], allOf = [] } = schema;
  const referred = $ref === undefined ? undefined : schemas[$ref.slice('#/schemas/'.length)];
  const parts = [...(referred === undefined ? [] : [referred]), ...anyOf, ...oneOf, ...allOf];
  return [schema, ...parts.flatMap(partsOf)];
}

/** The fields at the top of an operation that choo uses. What stands below them is read by the stand-in itself. */
const FIELDS: Readonly<Record<string, ReadonlySet<string>>> = {
  mutation: new Set([
    'markPullRequestReadyForReview',
    'convertPullRequestToDraft',
    'addPullRequestReviewThreadReply',
    'resolveReviewThread',
  ]),
  query: new Set(['repository']),
};

/** Tokens: comments and strings, which may contain any word; an alias with its field; words; brackets. */
const TOKENS = /#[^\n]*|"""[^]*?"""|"(?:\\.|[^"\\])*"|\w+\s*:\s*(\w+)|\$?\w+|\.{3}|[{}()]/g;

/**
 * Returns what is wrong with a GraphQL request, which the document does not cover: choo uses it for what the REST API does not
 * offer, which is drafts and the threads of reviews.
 */
export function checkGraphql(query: unknown): string[] {
  if (typeof query !== 'string') return ['graphql: body misses `query`'];
  const fields = outline(query);
  const wrong = fields
    .filter(({ kind, field }) => FIELDS[kind]?.has(field) !== true)
    .map(({ kind, field }) => `graphql: unknown ${kind} \`${field}\``);
  return wrong.length > 0 || fields.length > 0 ? wrong : ['graphql: no operation'];
}

/** The top-level fields of a query, with the kinds of their operations. */
function outline(query: string): readonly { readonly kind: string; readonly field: string }[] {
  const fields: { kind: string; field: string }[] = [];
  let kind = ''; // empty until the kind of the next operation is read
  let braces = 0;
  let parentheses = 0;
  for (const [token, aliased] of query.matchAll(TOKENS)) {
    if (token.startsWith('#') || token.startsWith('"')) continue;
    if (token === '(') parentheses += 1;
    else if (token === ')') parentheses -= 1;
    else if (parentheses > 0) continue;
    else if (token === '{') braces += 1;
    else if (token === '}') {
      braces -= 1;
      if (braces === 0) kind = '';
    } else if (braces === 0 && kind === '') kind = token;
    else if (braces === 1) fields.push({ kind: kind === '' ? 'query' : kind, field: aliased ?? token });
  }
  return fields;
}
