import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadConfig, type LoadedConfig } from '../../../src/config/load.ts';
import { configSchema, DEFAULT_CONFIG } from '../../../src/config/schema.ts';
import { listConfigKeys, renderConfigTemplate } from '../../../src/config/template.ts';

function load(text: string): LoadedConfig {
  const content = Buffer.from(text);
  return loadConfig([{ path: '.choo.yml', size: content.byteLength, content }]);
}

/** The template's blocks: its head, then one for each key at the top, a sentence above it. */
const [HEAD = '', ...BLOCKS] = renderConfigTemplate().split('\n\n');

/** Takes the `# ` away in front of every line but the sentence. */
function uncomment(block: string): string {
  return block.replaceAll(/(?<=\n)# /g, '');
}

const UNCOMMENTED = [HEAD, ...BLOCKS.map(uncomment)].join('\n\n');

describe('the template of `choo init`', () => {
  test('changes nothing as it is', () => {
    const loaded = load(renderConfigTemplate());
    expect(loaded).toEqual({ config: DEFAULT_CONFIG, file: '.choo.yml', problems: [] });
  });

  test('is a configuration once every key is uncommented', () => {
    const { config, problems } = load(UNCOMMENTED);
    expect(problems).toEqual([]);
    expect(config).toMatchObject({
      target_branch: 'main',
      specs_dir: DEFAULT_CONFIG.specs_dir,
      parallelism: DEFAULT_CONFIG.parallelism,
      provider: { type: 'claude' },
      baseline_checks: [{ name: 'lint', command: 'npm run lint', pattern: '**/*.ts' }],
      worktree: {
        setup: [{ command: 'npm ci', if: 'package-lock.json' }],
        teardown: [{ command: 'npm run clean', if: 'package.json' }],
      },
      limits: DEFAULT_CONFIG.limits,
      verify: DEFAULT_CONFIG.verify,
      skip_green: DEFAULT_CONFIG.skip_green,
    });
  });

  test('is one after any of its blocks alone is uncommented', () => {
    const problems = BLOCKS.flatMap((chosen) => {
      const blocks = BLOCKS.map((block) => (block === chosen ? uncomment(block) : block));
      return load([HEAD, ...blocks].join('\n\n')).problems;
    });
    expect(BLOCKS).toHaveLength(Object.keys(configSchema.shape).length);
    expect(problems).toEqual([]);
  });

  test('has the usual set-up of a project, and is a configuration with it', () => {
    const setUps = [{ command: 'npm ci', inputs: ['**/package.json', 'a'] }, { command: 'sh x' }];
    const text = renderConfigTemplate(setUps);
    const { config, problems } = load(text);
    expect(problems).toEqual([]);
    expect(config).toEqual({ ...DEFAULT_CONFIG, worktree: { ...DEFAULT_CONFIG.worktree, setup: setUps } });
    const [head = '', ...blocks] = text.split('\n\n');
    expect(load([head, ...blocks.map(uncomment)].join('\n\n')).problems).toEqual([]);
  });

  test('shows every key that can stand in it', () => {
    const shown: unknown = parse(UNCOMMENTED);
    const paths = listConfigKeys().map(({ path }) => path);
    const missing = paths.filter((path) => !/\[\]|<name>/.test(path) && !isIn(shown, path.split('.')));
    expect(missing).toEqual([]);
  });
});

function isIn(value: unknown, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  const next = Object.entries(value).find(([key]) => key === first);
  return next !== undefined && isIn(next[1], rest);
}

/** A key as the schema itself has it. */
interface SchemaKey {
  readonly path: string;
  readonly standard: unknown;
}

/** Walks the zod schema; what a mapping holds says more than its own default. */
function schemaKeys(schema: unknown, path = '', standard?: unknown): SchemaKey[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return schemaKeys(schema.unwrap(), path, schema.def.defaultValue);
  if (schema instanceof z.ZodOptional) return schemaKeys(schema.unwrap(), path);
  if (schema instanceof z.ZodPipe && schema.in instanceof z.ZodTransform)
    return schemaKeys(schema.out, path, standard);
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  if (schema instanceof z.ZodObject) {
    const keys = Object.entries(schema.shape).flatMap(([name, each]) => schemaKeys(each, below(name)));
    return path === '' || /(?:\[\]|<name>)$/.test(path) ? keys : [{ path, standard: undefined }, ...keys];
  }
  if (schema instanceof z.ZodRecord)
    return [{ path, standard: undefined }, ...schemaKeys(schema.valueType, below('<name>'))];
  if (schema instanceof z.ZodArray && schema.element instanceof z.ZodObject)
    return [{ path, standard }, ...schemaKeys(schema.element, `${path}[]`)];
  return [{ path, standard }];
}

describe('the list of configuration keys', () => {
  test('has every key of the schema, in its order', () => {
    const paths = listConfigKeys().map(({ path }) => path);
    expect(paths).toEqual(schemaKeys(configSchema).map(({ path }) => path));
    expect(paths).toEqual(
      expect.arrayContaining(['provider.providers.<name>.model', 'worktree.setup[].if', 'limits.attempts']),
    );
  });

  test('describes each in a sentence', () => {
    const undescribed = listConfigKeys().filter(({ description }) => !/^\w.+\.$/.test(description));
    expect(undescribed).toEqual([]);
  });

  test('shows the default of each that has one, as YAML', () => {
    const shown = listConfigKeys().map(({ path, standard }) => ({
      path,
      standard: standard === undefined ? undefined : (parse(standard) as unknown),
    }));
    expect(shown).toEqual(schemaKeys(configSchema));
    expect(shown).toContainEqual({ path: 'limits.task_timeout', standard: '30m' });
  });
});
