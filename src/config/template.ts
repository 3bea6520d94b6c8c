import { configJsonSchema } from './schema.ts';
import type { SetUpCommand } from './set-up/usual-set-ups.ts';

/** The parts of a JSON Schema that the documentation uses. */
interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode | false;
}

/** One key of the configuration, as the documentation shows it. */
export interface ConfigKey {
  /** Dotted; `[]` stands for each item of a list, `<name>` for any provider's name. */
  readonly path: string;
  readonly type: string;
  /** The default, as YAML; undefined when there is none. */
  readonly standard: string | undefined;
  readonly description: string;
}

/** Every key of the configuration in the order of the schema. */
export function listConfigKeys(): readonly ConfigKey[] {
  return collect(configSchemaNode(), '');
}

/**
 * Renders a `.choo.yml` that changes nothing but for these commands of set-up: every other key in a comment, with its example or
 * else its default.
 */
export function renderConfigTemplate(setUps: readonly SetUpCommand[] = []): string {
  const { properties = {} } = configSchemaNode();
  const blocks: readonly string[] = Object.entries(properties).map(([name, node]) => {
    const title = `# ${node.description ?? ''}`;
    if (node.properties === undefined) return [title, `# ${name}: ${shown(node)}`].join('\n');
    const isSetUp = name === 'worktree' && setUps.length > 0;
    const keys = Object.entries(node.properties).filter(
      ([key, each]) => shown(each) !== '' && !(isSetUp && key === 'setup'),
    );
    const head = isSetUp ? ['worktree:', ...setUpLines(setUps)] : [`# ${name}:`];
    return [title, ...head, ...keys.flatMap(([key, each]) => templateLines(key, each))].join('\n');
  });
  return `${TEMPLATE_HEAD}\n${blocks.join('\n\n')}\n`;
}

const TEMPLATE_HEAD = `# Configuration of choo. Every key is optional. Each is shown with its default, or with an example where it has none;
# remove the \`# \` in front of a line to set it.
`;

/** What is reused depends on the inputs: a file that the command reads and that is not among them goes unseen. */
function setUpLines(setUps: readonly SetUpCommand[]): readonly string[] {
  return [
    '  # Add every other file that a command reads to its inputs: see docs/setup.md.',
    '  setup:',
    ...setUps.flatMap(({ command, inputs }) => [
      `    - command: ${command}`,
      inputs === undefined
        ? '      # No inputs: scripts of package.json run, too. Name what all of them read to have set-up reused more often.'
        : `      inputs: [${inputs.map((each) => (each.startsWith('*') ? JSON.stringify(each) : each)).join(', ')}]`,
    ]),
  ];
}

function templateLines(key: string, node: SchemaNode): string[] {
  const line = `#   ${key}: ${shown(node)}`;
  const comment = `# ${node.description ?? ''}`;
  return line.length < 30 ? [`${line.padEnd(30)}${comment}`] : [`#   ${comment}`, line];
}

/** The example of a key, else its default, as YAML; empty when it has neither. */
function shown(node: SchemaNode): string {
  if (node.examples?.[0] !== undefined) return yaml(node.examples[0]);
  const value = node.default;
  return value === undefined || node.properties !== undefined || node.additionalProperties !== undefined
    ? ''
    : yaml(value);
}

function collect(node: SchemaNode, path: string): ConfigKey[] {
  const below = (name: string) => (path === '' ? name : `${path}.${name}`);
  if (node.properties !== undefined) {
    const children = Object.entries(node.properties).flatMap(([name, child]) => collect(child, below(name)));
    return path === '' || path.endsWith('[]') || path.endsWith('>')
      ? children
      : [describe(node, path, 'mapping'), ...children];
  }
  if (node.items !== undefined && node.items.properties !== undefined) {
    return [describe(node, path, 'list'), ...collect(node.items, `${path}[]`)];
  }
  if (typeof node.additionalProperties === 'object') {
    return [describe(node, path, 'mapping'), ...collect(node.additionalProperties, below('<name>'))];
  }
  return [describe(node, path, typeOf(node))];
}

function describe(node: SchemaNode, path: string, type: string): ConfigKey {
  const hasDefault = node.default !== undefined && type !== 'mapping';
  return {
    path,
    type,
    standard: hasDefault ? yaml(node.default) : undefined,
    description: node.description ?? '',
  };
}

function typeOf(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map(String).join(' | ');
  if (node.type === 'array') return 'list';
  return node.type ?? 'text';
}

function yaml(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function configSchemaNode(): SchemaNode {
  return configJsonSchema();
}
