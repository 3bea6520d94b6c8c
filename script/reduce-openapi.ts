// Reduces GitHub's own OpenAPI document to the routes that choo uses, for the tests: `node script/reduce-openapi.ts`.
import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROUTES } from '../test/github/openapi-routes.ts';

/** The package that has the document. It is fetched when this runs, and not depended on: it takes 385 MB. */
const PACKAGE = '@octokit/openapi@23.0.2';
const DOCUMENT = 'package/generated/api.github.com.json';
const RESULT = new URL('../test/github/openapi.json', import.meta.url);

type Json = Record<string, unknown>;

/** What only people read, and what the checks do not look at. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'description',
  'example',
  'examples',
  'externalDocs',
  'title',
  'deprecated',
  'x-github',
  'default',
  'format',
]);

const document = await fetchDocument();
const schemas: Json = {};
const routes = Object.fromEntries(ROUTES.map((route) => [route, reduceRoute(route)]));
const { version } = document['info'] as { version: string };
await writeFile(RESULT, `${JSON.stringify({ from: PACKAGE, version, routes, schemas }, undefined, 1)}\n`);
console.log(`wrote test/github/openapi.json: ${ROUTES.length} routes of version ${version}`);

async function fetchDocument(): Promise<Json> {
  const directory = await mkdtemp(join(tmpdir(), 'choo-openapi-'));
  try {
    const { stdout } = await execa('npm', ['pack', '--silent', PACKAGE], { cwd: directory });
    await execa('tar', ['-xzf', stdout.trim(), DOCUMENT], { cwd: directory });
    return JSON.parse(await readFile(join(directory, DOCUMENT), 'utf8')) as Json;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function reduceRoute(route: string): Json {
  const [method = '', path = ''] = route.split(' ');
  const operations = (document['paths'] as Record<string, Record<string, Json>>)[path];
  const operation = operations?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`GitHub's document has no \`${route}\``);
  const parameters = ((operation['parameters'] ?? []) as Json[]).map(resolve);
  const query = parameters
    .filter((parameter) => parameter['in'] === 'query')
    .map((parameter) => [String(parameter['name']), reduce(parameter['schema'])]);
  const body = operation['requestBody'] as { content?: Record<string, { schema: unknown }> } | undefined;
  const schema = body?.content?.['application/json']?.schema;
  return {
    operation: operation['operationId'],
    query: Object.fromEntries(query),
    ...(schema === undefined ? {} : { body: reduce(schema) }),
  };
}

function resolve(value: Json): Json {
  const reference = value['$ref'];
  if (typeof reference !== 'string') return value;
  const path = reference.slice(2).split('/');
  return path.reduce<unknown>((at, name) => (at as Json)[name], document) as Json;
}

/** A schema as JSON Schema has it; what it refers to is kept beside the routes. */
function reduce(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reduce);
  if (typeof value !== 'object' || value === null) return value;
  const node = value as Json;
  if (typeof node['$ref'] === 'string') {
    const name = node['$ref'].split('/').at(-1) ?? '';
    if (!(name in schemas)) {
      schemas[name] = {}; // one that refers to itself
      schemas[name] = reduce(resolve(node));
    }
    return { $ref: `#/schemas/${name}` };
  }
  const { nullable, properties, ...rest } = node;
  const kept = Object.entries(rest)
    .filter(([key]) => !LEFT_OUT.has(key))
    .map(([key, each]) => [key, key === 'enum' ? each : reduce(each)]);
  const fields = properties === undefined ? {} : { properties: reduceEach(properties as Json) };
  const schema = { ...Object.fromEntries(kept), ...fields } as Json;
  return nullable === true ? { anyOf: [schema, { type: 'null' }] } : schema;
}

/** The fields of an object: any name may be one, also those that mean something in a schema. */
function reduceEach(properties: Json): Json {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, reduce(schema)]));
}
