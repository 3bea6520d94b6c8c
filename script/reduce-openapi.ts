// Reduces GitHub's OpenAPI document to the routes that the stand-in checks: `node script/reduce-openapi.ts`.
import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROUTES, UNDOCUMENTED } from '../stand-in/openapi-routes.ts';

/** Fetched here and not a dependency: it takes 385 MB unpacked, of which choo needs one file. */
const PACKAGE = '@octokit/openapi@23.0.2';
const DOCUMENT = 'package/generated/api.github.com.json';
const RESULT = fileURLToPath(new URL('../stand-in/openapi.json', import.meta.url));

type Json = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Json;
  /** The value may contain slashes. */
  readonly 'x-multi-segment'?: boolean;
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Json[];
  readonly requestBody?: Json;
}

interface RequestBody {
  readonly required?: boolean;
  readonly content: Readonly<Record<string, { readonly schema: Json }>>;
}

interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Keywords that constrain a value and mean the same in OpenAPI 3.0 and JSON Schema. */
const KEPT: ReadonlySet<string> = new Set(
  'type enum required additionalProperties items allOf anyOf oneOf not pattern minLength maxLength minItems maxItems uniqueItems minimum maximum minProperties maxProperties x-multi-segment'.split(
    ' ',
  ),
);

/** Keywords for readers only, and `format`, which the validator does not support. */
const LEFT_OUT: ReadonlySet<string> = new Set(
  'title description default example examples externalDocs deprecated format readOnly x-github'.split(' '),
);

// 1. Fetch the document.
const document = await fetchDocument();

// 2. Keep the requests, and the schemas they refer to.
const schemas: Record<string, unknown> = {};
const undocumented = Object.entries<Operation>(UNDOCUMENTED);
const operations = Object.fromEntries([
  ...ROUTES.map((route) => reduceOperation(route, operationOf(route))),
  ...undocumented.map(([route, operation]) => reduceOperation(route, operation)),
]);

// 3. Write it, formatted.
const { openapi, info } = document;
const reduced = { package: PACKAGE, document: info.version, openapi, operations, schemas };
await writeFile(RESULT, JSON.stringify(reduced));
await execa({ preferLocal: true })`oxfmt ${RESULT}`;
console.log(`wrote stand-in/openapi.json: ${Object.keys(operations).length} routes of ${PACKAGE}`);

async function fetchDocument(): Promise<OpenApi> {
  const directory = await mkdtemp(join(tmpdir(), 'choo-openapi-'));
  try {
    const { stdout } = await execa('npm', ['pack', '--silent', PACKAGE], { cwd: directory });
    await execa('tar', ['-xzf', stdout.trim(), DOCUMENT], { cwd: directory });
    return JSON.parse(await readFile(join(directory, DOCUMENT), 'utf8')) as OpenApi;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function operationOf(route: string): Operation {
  const [method = '', path = ''] = route.split(' ');
  const operation = document.paths[path]?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`${PACKAGE} has no \`${route}\`.`);
  return operation;
}

function reduceOperation(route: string, operation: Operation): [string, Json] {
  const [method, path] = route.split(' ');
  const parameters = (operation.parameters ?? []).map((each) => resolve(each) as unknown as Parameter);
  const body = operation.requestBody && (resolve(operation.requestBody) as unknown as RequestBody);
  const schema = body?.content['application/json']?.schema;
  const reduced = {
    method,
    path,
    parameters: reduceParameters(parameters.filter((each) => each.in === 'path')),
    query: reduceParameters(parameters.filter((each) => each.in === 'query')),
    ...(schema !== undefined && { body: reduce(schema), bodyRequired: body?.required ?? false }),
  };
  return [operation.operationId, reduced];
}

/** Parameters as the fields of one object. */
function reduceParameters(parameters: readonly Parameter[]): Json {
  const fields = parameters.map(({ name, schema, ...parameter }) => {
    const slashes = parameter['x-multi-segment'] === true && { 'x-multi-segment': true };
    return [name, { ...(reduce(schema) as Json), ...slashes }] as const;
  });
  const required = parameters.filter((each) => each.required).map((each) => each.name);
  return {
    type: 'object',
    properties: Object.fromEntries(fields),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

function resolve(value: Json): Json {
  const reference = value['$ref'];
  if (typeof reference !== 'string') return value;
  const path = reference.slice('#/'.length).split('/');
  return path.reduce<unknown>((at, name) => (at as Json)[name], document) as Json;
}

/** Converts a schema of OpenAPI 3.0 to JSON Schema. Adds the schemas it refers to to `schemas`. */
function reduce(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reduce);
  if (typeof value !== 'object' || value === null) return value;
  const node = value as Json;
  if (typeof node['$ref'] === 'string') return reduceReference(node, node['$ref']);
  const { nullable, properties, ...rest } = node;
  const unknown = Object.keys(rest).find((key) => !KEPT.has(key) && !LEFT_OUT.has(key));
  if (unknown !== undefined)
    throw new Error(`unknown keyword \`${unknown}\` in a schema: add it to KEPT or LEFT_OUT`);
  const kept = Object.entries(rest)
    .filter(([key]) => KEPT.has(key))
    .map(([key, each]) => [key, key === 'enum' ? each : reduce(each)]);
  const schema: Json = {
    ...Object.fromEntries(kept),
    ...(properties !== undefined && { properties: reduceFields(properties as Json) }),
  };
  return nullable === true ? orNull(schema) : schema;
}

/** Reduces the fields of an object; their names may equal keywords. */
function reduceFields(properties: Json): Json {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, reduce(schema)]));
}

function reduceReference(node: Json, reference: string): Json {
  const name = reference.split('/').at(-1) ?? '';
  if (!(name in schemas)) {
    schemas[name] = {}; // ends the recursion when it refers to itself
    schemas[name] = reduce(resolve(node));
  }
  return { $ref: `#/schemas/${name}` };
}

/** Allows null in a schema: JSON Schema has no `nullable`. */
function orNull(schema: Json): Json {
  const { type, enum: values } = schema;
  const plain = typeof type === 'string' && !['allOf', 'anyOf', 'oneOf'].some((key) => key in schema);
  if (!plain) return { anyOf: [schema, { type: 'null' }] };
  return {
    ...schema,
    type: [type, 'null'],
    ...(Array.isArray(values) && { enum: [...new Set([...values, null])] }),
  };
}
