import { Ajv, type ValidateFunction } from 'ajv';
import reduced from './openapi.json' with { type: 'json' };
import type { SeenRequest } from './options.ts';

/** What of a schema is looked at here; the rest is for the validator. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Route {
  readonly operation: string;
  readonly query: Readonly<Record<string, Schema>>;
  readonly body?: Schema;
}

const routes = reduced.routes as unknown as Readonly<Record<string, Route>>;
const schemas = reduced.schemas as unknown as Readonly<Record<string, Schema>>;

/** What GitHub's pages say and its document does not. Characters, and how many of a list. */
const TEXT = 65_535;
const ACTIONS = { most: 3, label: 20, description: 40, identifier: 20 } as const;
const ANNOTATIONS = 50;

/** The two changes that only GraphQL makes. */
const MUTATIONS = /^mutation\b[^{]*\{\s*(?:markPullRequestReadyForReview|convertPullRequestToDraft)\b/;

/** Says of a request to GitHub what is wrong with it, by GitHub's own document. Nothing is right about a route it does not have. */
export function createRequestCheck(): (request: SeenRequest) => readonly string[] {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema({ schemas }, 'github');
  const compiled = new Map<string, ValidateFunction>();
  const matchers = Object.keys(routes).map((route) => [route, patternOf(route)] as const);
  return ({ method, path, query, body, graphql = false }) => {
    if (graphql) return checkGraphql(body);
    const found = matchers.find(([, pattern]) => pattern.test(`${method} ${path}`));
    const route = routes[found?.[0] ?? ''];
    if (found === undefined || route === undefined) return [`unknown route: ${method} ${path}`];
    const wrong = Object.keys(query)
      .filter((name) => !(name in route.query))
      .map((name) => `unknown parameter \`${name}\``);
    if (hasBody(body)) {
      if (route.body === undefined) wrong.push('it takes no body');
      else {
        let validate = compiled.get(found[0]);
        if (validate === undefined) compiled.set(found[0], (validate = ajv.compile(absolute(route.body))));
        if (!validate(body))
          for (const { instancePath, message } of validate.errors ?? [])
            wrong.push(`${instancePath} ${message}`);
        wrong.push(...unknownFields(route.body, body, ''), ...limits(body));
      }
    }
    return wrong.map((each) => `${route.operation}: ${each}`);
  };
}

function hasBody(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.keys(body).length > 0;
}

function patternOf(route: string): RegExp {
  const escaped = route.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`);
}

/** Refers to what stands beside the routes. */
function absolute(schema: unknown): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/schemas/', '"github#/schemas/')) as object;
}

/** GitHub passes by what it does not know, and choo would not notice. */
function unknownFields(schema: Schema, value: unknown, path: string): string[] {
  if (Array.isArray(value)) {
    const items = partsOf(schema).find((part) => part.items !== undefined)?.items;
    return items === undefined
      ? []
      : value.flatMap((each, index) => unknownFields(items, each, `${path}/${index}`));
  }
  if (typeof value !== 'object' || value === null) return [];
  const known = new Map(partsOf(schema).flatMap((part) => Object.entries(part.properties ?? {})));
  if (known.size === 0) return []; // anything goes
  return Object.entries(value).flatMap(([name, each]) => {
    const field = known.get(name);
    return field === undefined
      ? [`unknown field \`${path}/${name}\``]
      : unknownFields(field, each, `${path}/${name}`);
  });
}

/** A schema and all that it is made of. */
function partsOf(schema: Schema): readonly Schema[] {
  const { $ref, anyOf = [], oneOf = [], allOf = [] } = schema;
  const referred = $ref === undefined ? undefined : schemas[$ref.slice('#/schemas/'.length)];
  return [schema, ...(referred === undefined ? [] : [referred]), ...anyOf, ...oneOf, ...allOf].flatMap(
    (part) => (part === schema ? [part] : partsOf(part)),
  );
}

interface Limited {
  readonly body?: unknown;
  readonly actions?: readonly Readonly<Record<string, string>>[];
  readonly output?: {
    readonly summary?: string;
    readonly text?: string;
    readonly annotations?: readonly unknown[];
  };
}

function limits(value: unknown): string[] {
  const { body, actions = [], output = {} } = value as Limited;
  const wrong: string[] = [];
  const texts = { body, 'output/summary': output.summary, 'output/text': output.text };
  for (const [name, text] of Object.entries(texts))
    if (typeof text === 'string' && text.length > TEXT)
      wrong.push(`/${name} has more than ${TEXT} characters`);
  if ((output.annotations?.length ?? 0) > ANNOTATIONS) wrong.push(`more than ${ANNOTATIONS} annotations`);
  if (actions.length > ACTIONS.most) wrong.push(`more than ${ACTIONS.most} actions`);
  for (const action of actions)
    for (const name of ['label', 'description', 'identifier'] as const)
      if ((action[name]?.length ?? 0) > ACTIONS[name])
        wrong.push(`the ${name} of an action has more than ${ACTIONS[name]} characters`);
  return wrong;
}

function checkGraphql(body: unknown): readonly string[] {
  const query = String((body as { query?: unknown } | null)?.query);
  return MUTATIONS.test(query.trim())
    ? []
    : [`GraphQL: not one of the two changes that choo makes: ${query.slice(0, 200)}`];
}
