import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { FILE_START, type Position, type Problem, reportInto, type Report } from '../problems/problem.ts';
import { readYaml } from '../problems/yaml.ts';
import { nearest } from '../text/nearest.ts';
import { legacyHint } from './legacy.ts';
import { CONFIG_FILES, type Config, configSchema, DEFAULT_CONFIG } from './schema.ts';
import { type LocatedValue, toLocatedValue } from './yaml-value.ts';

/** A configuration file of a repository. */
export interface ConfigFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Undefined when the file is too large, no regular file or not readable. */
  readonly content: Uint8Array | undefined;
}

/** The configuration, or its errors; warnings and notices may come with a configuration. */
export interface LoadedConfig {
  /** Undefined when a problem is an error. */
  readonly config: Config | undefined;
  /** The file it came from; undefined when there is none and the defaults apply. */
  readonly file: string | undefined;
  readonly problems: readonly Problem[];
  /** Set when there is no configuration because of an error, but its `specs_dir` is valid. */
  readonly specsDir?: string;
  /** The position of `provider.type`, if the file sets it. */
  readonly providerAt?: Position;
  /** The positions of `parallelism` and the limits that the file sets, by dotted key. */
  readonly limitsAt?: Readonly<Record<string, Position>>;
}

/** The maximum size of a configuration that is read. Bytes. */
export const MAX_CONFIG_BYTES = 64 * 1024;

/** Reads the configuration from a repository's configuration files, of which there should be one or none. Pure; never throws. */
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
  const read = readConfig(file, reportInto(problems, file.path));
  if (read === undefined || others.length > 0) return { config: undefined, file: file.path, problems };
  return { ...read, file: file.path, problems };
}

function readConfig(
  { size, content }: ConfigFile,
  report: Report,
): Pick<LoadedConfig, 'config' | 'providerAt' | 'limitsAt' | 'specsDir'> | undefined {
  if (content === undefined || !isUtf8(content) || content.includes(0)) {
    const unread =
      size > MAX_CONFIG_BYTES
        ? `is larger than ${MAX_CONFIG_BYTES / 1024} KiB`
        : 'could not be read as a regular file';
    const reason = content === undefined ? unread : 'is not UTF-8 text';
    report('error', 'config-unreadable', FILE_START, `the configuration ${reason}`);
    return undefined;
  }
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8');
  const yaml = readYaml(text.replace(/^\uFEFF/, ''));
  for (const fault of yaml.faults) report('error', 'config-yaml', fault, `not valid YAML: ${fault.message}`);
  if (yaml.faults.length > 0) return undefined;
  const placed = toLocatedValue(yaml);
  if ('fault' in placed) {
    report('error', 'config-yaml', placed.fault, `the configuration cannot be read: ${placed.fault.message}`);
    return undefined;
  }
  if (placed.value !== null && !isMapping(placed.value)) {
    report(
      'error',
      'config-shape',
      placed.positionOf([]),
      'the configuration must be a mapping: lines of `key: value`',
    );
    return undefined;
  }
  for (const path of placed.refused) reportUnknownKey(path.map(String), placed, report);
  const parsed = configSchema.safeParse(withoutLegacy(placed.value ?? {}, placed, report));
  if (parsed.success && placed.refused.length > 0) return undefined;
  if (parsed.success) {
    const type = ['provider', 'type'];
    const keys = [['parallelism'], ...Object.keys(parsed.data.limits).map((key) => ['limits', key])];
    const set = keys.filter((path) => placed.hasValue(path));
    return {
      config: parsed.data,
      ...(placed.hasValue(type) ? { providerAt: placed.positionOf(type) } : {}),
      ...(set.length === 0
        ? {}
        : { limitsAt: Object.fromEntries(set.map((path) => [path.join('.'), placed.positionOf(path)])) }),
    };
  }
  const reported = new Set<string>();
  for (const issue of parsed.error.issues) {
    // One value that breaks several rules is one problem.
    const position = `${issue.code === 'unrecognized_keys' ? 'keys of ' : ''}${issue.path.join('.')}`;
    if (!reported.has(position)) reportIssue(issue, placed, report);
    reported.add(position);
  }
  const specs = configSchema.shape.specs_dir.safeParse(placed.value?.['specs_dir']);
  return { config: undefined, ...(specs.success ? { specsDir: specs.data } : {}) };
}

/** Removes the keys of older tools, and reports a notice for each. */
function withoutLegacy(value: Mapping, placed: LocatedValue, report: Report): Mapping {
  const known = new Set(Object.keys(configSchema.shape));
  const kept: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    if (known.has(key) || legacyHint([key]) === undefined) {
      kept[key] = each;
      continue;
    }
    const inner = isMapping(each) ? Object.keys(each) : [];
    const paths = inner.length === 0 ? [[key]] : inner.map((name) => [key, name]);
    for (const path of paths) {
      const field = path.join('.');
      const message = `\`${field}\` is a key of an older choo and has no effect`;
      report('notice', 'config-legacy-key', placed.keyPositionOf(path), message, {
        field,
        hint: legacyHint(path),
      });
    }
  }
  return kept;
}

type Mapping = Readonly<Record<string, unknown>>;

function isMapping(value: unknown): value is Mapping {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function reportIssue(issue: z.core.$ZodIssue, placed: LocatedValue, report: Report): void {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) reportUnknownKey([...path, key], placed, report);
  } else if (issue.code === 'invalid_key') {
    reportUnknownKey(path, placed, report);
  } else {
    const field = path.join('.');
    const got = placed.sourceOf(path);
    const present = got !== undefined || placed.hasValue(path);
    const close =
      got === undefined || issue.code !== 'invalid_value'
        ? undefined
        : nearest(got, issue.values.map(String));
    const what = `\`${field}\``;
    report(
      'error',
      'config-value',
      placed.positionOf(path),
      present ? `${what} must be ${issue.message}` : `${what} is missing`,
      {
        field,
        ...(got === undefined ? {} : { got }),
        hint:
          close === undefined
            ? present
              ? undefined
              : `write ${issue.message}`
            : `did you mean \`${close}\`?`,
      },
    );
  }
}

function reportUnknownKey(path: readonly string[], placed: LocatedValue, report: Report): void {
  const known = knownKeys(path.slice(0, -1));
  const close = nearest(path.at(-1) ?? '', known);
  const field = path.join('.');
  report('error', 'config-unknown-key', placed.keyPositionOf(path), `\`${field}\` is not a key choo knows`, {
    field,
    hint:
      close === undefined
        ? (sectionOf(path) ?? `known here: ${known.join(', ')}`)
        : `did you mean \`${close}\`?`,
  });
}

/** The hint for a key that is one level too high: its section. */
function sectionOf(path: readonly string[]): string | undefined {
  const name = path.at(-1) ?? '';
  const section =
    path.length === 1
      ? Object.keys(configSchema.shape).find((key) => knownKeys([key]).includes(name))
      : undefined;
  return section === undefined ? undefined : `it belongs under \`${section}:\``;
}

/** The keys that the schema knows at a path; indexes of lists and names of providers are skipped. */
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
  for (;;) {
    if (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault)
      at = at.unwrap();
    else if (at instanceof z.ZodPipe && at.in instanceof z.ZodTransform) at = at.out;
    else return at;
  }
}
