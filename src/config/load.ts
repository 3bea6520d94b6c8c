import { isUtf8 } from 'node:buffer';
import { type Document, isMap, isNode, isScalar } from 'yaml';
import { z } from 'zod';
import { nearest } from '../problems/nearest.ts';
import { FILE_START, type Position, type Problem, reportInto, type Report } from '../problems/problem.ts';
import { readYaml, type YamlText } from '../problems/yaml.ts';
import { legacyHint } from './legacy.ts';
import { CONFIG_FILES, type Config, configSchema, DEFAULT_CONFIG } from './schema.ts';

/** A configuration file as found. */
export interface ConfigFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Undefined: it is there and was not read, because it is too large, no regular file or not readable. */
  readonly content: Uint8Array | undefined;
}

/** The configuration, or what is wrong with it; problems that are no errors may come with a configuration. */
export interface LoadedConfig {
  /** Undefined when a problem is an error. */
  readonly config: Config | undefined;
  /** The file it came from; undefined: there is none, and the defaults hold. */
  readonly file: string | undefined;
  readonly problems: readonly Problem[];
}

/** A larger configuration is not read. Bytes. */
export const MAX_CONFIG_BYTES = 256 * 1024;
const MAX_ALIASES = 100;

/** Turns the configuration files of a repository, none or one, into a configuration. Pure; never throws. */
export function loadConfig(files: readonly ConfigFile[]): LoadedConfig {
  const [file, ...others] = files;
  if (file === undefined) return { config: DEFAULT_CONFIG, file: undefined, problems: [] };
  const problems: Problem[] = [];
  for (const other of others) {
    reportInto(problems, other.path)(
      'error',
      'config-two-files',
      FILE_START,
      `there are two configurations: this one and \`${file.path}\``,
      {
        hint: `keep one of ${CONFIG_FILES.join(', ')}`,
      },
    );
  }
  const config = readConfig(file, reportInto(problems, file.path));
  return { config: others.length === 0 ? config : undefined, file: file.path, problems };
}

function readConfig({ size, content }: ConfigFile, report: Report): Config | undefined {
  if (content === undefined || !isUtf8(content) || content.includes(0)) {
    const unread = size > MAX_CONFIG_BYTES ? 'is larger than 256 KiB' : 'could not be read as a regular file';
    report(
      'error',
      'config-unreadable',
      FILE_START,
      `the configuration ${content === undefined ? unread : 'is not UTF-8 text'}`,
    );
    return undefined;
  }
  const yaml = readYaml(Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8'));
  for (const fault of yaml.faults) report('error', 'config-yaml', fault, `not valid YAML: ${fault.message}`);
  if (yaml.faults.length > 0) return undefined;
  const value = toValue(yaml, report);
  if (value === undefined) return undefined;
  const parsed = configSchema.safeParse(withoutLegacy(value, yaml, report));
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) reportIssue(issue, yaml, report);
  return undefined;
}

function toValue(yaml: YamlText, report: Report): Record<string, unknown> | undefined {
  if (yaml.document.contents === null) return {};
  if (isMap(yaml.document.contents)) {
    try {
      return yaml.document.toJS({ maxAliasCount: MAX_ALIASES }) as Record<string, unknown>;
    } catch {
      report('error', 'config-yaml', FILE_START, 'the YAML aliases of the configuration expand to too much', {
        hint: 'write the values out',
      });
      return undefined;
    }
  }
  report('error', 'config-shape', placeOf(yaml, []), 'the configuration is not a list of `key: value` lines');
  return undefined;
}

/** Takes out the keys of older tools, each with a notice. */
function withoutLegacy(
  value: Readonly<Record<string, unknown>>,
  yaml: YamlText,
  report: Report,
): Record<string, unknown> {
  const known = Object.keys(configSchema.shape);
  const kept: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    const hint = known.includes(key) ? undefined : legacyHint([key]);
    if (hint === undefined) {
      kept[key] = each;
      continue;
    }
    const inner = each !== null && typeof each === 'object' && !Array.isArray(each) ? Object.keys(each) : [];
    const paths = inner.length === 0 ? [[key]] : inner.map((name) => [key, name]);
    for (const path of paths) {
      const message = `\`${path.join('.')}\` is a key of an older choo and has no effect`;
      report('notice', 'config-legacy-key', keyPlace(yaml, path), message, {
        field: path.join('.'),
        hint: legacyHint(path),
      });
    }
  }
  return kept;
}

function reportIssue(issue: z.core.$ZodIssue, yaml: YamlText, report: Report): void {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(path);
    for (const key of issue.keys) {
      const close = nearest(key, known);
      const hint = close === undefined ? `known here: ${known.join(', ')}` : `did you mean \`${close}\`?`;
      const field = [...path, key].join('.');
      report(
        'error',
        'config-unknown-key',
        keyPlace(yaml, [...path, key]),
        `\`${field}\` is not a key choo knows`,
        { field, hint },
      );
    }
    return;
  }
  const field = path.join('.');
  const node = yaml.document.getIn(issue.path, true);
  if (issue.code === 'invalid_key') {
    const close = nearest(path.at(-1) ?? '', knownKeys(path.slice(0, -1)));
    report(
      'error',
      'config-unknown-key',
      keyPlace(yaml, path),
      `\`${field}\` is not ${issue.issues[0]?.message ?? 'a known key'}`,
      {
        field,
        hint: close === undefined ? undefined : `did you mean \`${close}\`?`,
      },
    );
    return;
  }
  const missing = node === undefined;
  const expected = issue.message.startsWith('Invalid')
    ? `not as expected: ${issue.message}`
    : `must be ${issue.message}`;
  const message = missing ? `\`${field}\` is missing` : `\`${field}\` ${expected}`;
  const got = isScalar(node) ? String(node.source ?? node.value) : undefined;
  const close =
    got === undefined || issue.code !== 'invalid_value' ? undefined : nearest(got, issue.values.map(String));
  report('error', 'config-value', placeOf(yaml, issue.path), message, {
    field,
    ...(got === undefined ? {} : { got }),
    hint: close === undefined ? undefined : `did you mean \`${close}\`?`,
  });
}

/** The keys the schema knows at a path; list indexes and free names are stepped over. */
function knownKeys(path: readonly string[]): readonly string[] {
  let at: unknown = configSchema;
  for (const part of path) {
    at = unwrap(at);
    if (at instanceof z.ZodObject) at = (at.shape as Record<string, unknown>)[part];
    else if (at instanceof z.ZodArray) at = at.element;
    else if (at instanceof z.ZodRecord) at = at.valueType;
  }
  at = unwrap(at);
  if (at instanceof z.ZodRecord) return z.toJSONSchema(at.keyType as z.ZodType).enum?.map(String) ?? [];
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function unwrap(schema: unknown): unknown {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault)
    at = at.unwrap();
  return at;
}

/** The place of the value at a path, or of the nearest thing around it that exists. */
function placeOf(yaml: YamlText, path: readonly PropertyKey[]): Position {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? yaml.document.contents : yaml.document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return yaml.at(node.range[0]);
  }
  return FILE_START;
}

/** The place of a key itself. */
function keyPlace(yaml: YamlText, path: readonly string[]): Position {
  const parent: unknown =
    path.length === 1 ? yaml.document.contents : (yaml.document as Document).getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    for (const { key } of parent.items) {
      if (isScalar(key) && String(key.value) === path.at(-1) && key.range) return yaml.at(key.range[0]);
    }
  }
  return placeOf(yaml, path.slice(0, -1));
}
