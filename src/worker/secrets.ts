import type { ObjectReader } from '../git/objects/object-reader.ts';
import { GITLINK } from '../git/objects/tree-format.ts';
import type { Change } from '../git/objects/tree-object.ts';

/** Minimum length of a secret; shorter values would match by chance. Characters. */
const SHORTEST = 8;
/** Bytes of files that are searched at a time. */
const BATCH = 16 * 1024 * 1024;

/** The forms in which a secret value may be written: as it is, and in common encodings. */
export function secretForms(values: readonly string[]): readonly Buffer[] {
  const forms = new Set<string>();
  for (const value of values.flatMap(partsOf)) {
    if (value.length < SHORTEST) continue;
    const bytes = Buffer.from(value);
    forms.add(value);
    forms.add(JSON.stringify(value).slice(1, -1));
    forms.add(encodeURIComponent(value));
    forms.add(bytes.toString('hex'));
    forms.add(bytes.toString('hex').toUpperCase());
    for (const form of base64Forms(bytes)) forms.add(form);
  }
  return [...forms].map((form) => Buffer.from(form));
}

/** A value, and the credential in it when it is the address of a registry: tools write that alone into their settings. */
function partsOf(value: string): readonly string[] {
  const url = /^https?:/i.test(value) ? URL.parse(value) : null;
  if (url === null || url.username + url.password === '') return [value];
  const written = url.password === '' ? [url.username] : [url.password, `${url.username}:${url.password}`];
  return [value, ...written, ...written.map(decode)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Creates a function that removes every form of the values from text before it is shown, logged or stored. */
export function createRedactor(values: readonly string[]): (text: string) => string {
  const forms = secretForms(values).map((form) => form.toString());
  forms.sort((a, b) => b.length - a.length); // longest first: one may contain another
  return (text) => forms.reduce((rest, form) => rest.replaceAll(form, '[secret]'), text);
}

/** Maximum number of temporary secrets; the oldest is dropped. */
const MAX_TEMPORARY_SECRETS = 100;

/** Matches well-known formats of secrets. */
const PATTERNS =
  /\bgh[pousr]\\?_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}|\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** The secrets of a process: those from its start, and temporary tokens. */
export class Secrets {
  /** Searched for before each commit. Changes with the temporary tokens. */
  readonly forms: Buffer[];
  readonly #passing: Buffer[][] = [];

  constructor(values: readonly string[]) {
    // Each line of a multi-line secret is a secret, too.
    this.forms = [...secretForms(values.flatMap((value) => [value, ...linesOf(value)]))];
  }

  /** Adds a temporary secret. */
  readonly add = (value: string): void => {
    const forms = [...secretForms([value])];
    this.forms.push(...forms);
    this.#passing.push(forms);
    if (this.#passing.length <= MAX_TEMPORARY_SECRETS) return;
    const gone = new Set(this.#passing.shift());
    this.forms.splice(0, this.forms.length, ...this.forms.filter((form) => !gone.has(form)));
  };

  /** Removes every form of the values, and text in a well-known format of secrets. */
  readonly redact = (text: string): string => {
    const plain = this.forms.map((form) => form.toString());
    const forms = [...new Set(plain.flatMap((form) => [form, escaped(form)]))].sort(
      (a, b) => b.length - a.length,
    );
    const known = forms.reduce((rest, form) => rest.replaceAll(form, '[secret]'), text);
    return known.replaceAll(PATTERNS, '[secret]');
  };
}

/** The form with Markdown escapes. */
function escaped(form: string): string {
  return form.replaceAll(/[\\`*_{}[\]()<>#+!|~&$^=:-]/g, (character) => `\\${character}`);
}

function linesOf(value: string): readonly string[] {
  return value.includes('\n') ? value.split('\n').filter((line) => line.length >= 40) : [];
}

/** The base64 of these bytes inside a longer text: three forms, one for each alignment. */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // The first characters depend on the preceding bytes, the last on the following ones.
    const known = text.slice(shift === 0 ? 0 : shift + 1, Math.floor(((shift + bytes.length) * 8) / 6));
    return [known, known.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/**
 * Finds changed files with a secret in their content or name. A link's content is its target. Files are read into memory:
 * those that are too large for that are not committed anyway.
 */
export async function findSecrets(
  reader: ObjectReader,
  changes: readonly Change[],
  forms: readonly Buffer[],
): Promise<readonly string[]> {
  if (forms.length === 0) return [];
  const holdsSecret = (bytes: Buffer): boolean => forms.some((form) => bytes.includes(form));
  const found = new Set<string>();
  const files = changes.flatMap(({ path, after }) =>
    after === undefined || after.mode === GITLINK ? [] : [{ path, id: after.id }],
  );
  for (const { path } of files) if (holdsSecret(Buffer.from(path))) found.add(path);
  const infos = await reader.info(files.map(({ id }) => id));
  let batch: typeof files = [];
  let bytes = 0;
  const search = async (): Promise<void> => {
    const contents = await reader.contents(batch.map(({ id }) => id));
    for (const [index, content] of contents.entries()) {
      const path = batch[index]?.path;
      if (path !== undefined && content !== undefined && holdsSecret(content)) found.add(path);
    }
    [batch, bytes] = [[], 0];
  };
  for (const [index, file] of files.entries()) {
    const size = infos[index]?.size ?? 0;
    if (bytes + size > BATCH) await search();
    batch.push(file);
    bytes += size;
  }
  await search();
  return [...found].sort();
}
