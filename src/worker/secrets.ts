import type { ObjectReader } from '../git/objects/object-reader.ts';
import type { Change } from '../git/objects/tree-object.ts';

/** A shorter value would be found everywhere by chance. Characters. */
const SHORTEST = 8;
/** How many bytes of files are held at a time while they are searched. */
const BATCH = 16 * 1024 * 1024;

/** The forms in which a secret value might be written down: as it is, and in the encodings that tools put it in. */
export function secretForms(values: readonly string[]): readonly Buffer[] {
  const forms = new Set<string>();
  for (const value of values) {
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

/** Takes every form of the values out of a text: for all that is shown, logged or remembered. */
export function createRedactor(values: readonly string[]): (text: string) => string {
  const forms = secretForms(values).map((form) => form.toString());
  forms.sort((a, b) => b.length - a.length); // one may hold another
  return (text) => forms.reduce((rest, form) => rest.replaceAll(form, '[secret]'), text);
}

/** How many values that come and go are kept in mind. */
const MAX_TEMPORARY_SECRETS = 100;

/** What looks like a secret, whoever it belongs to. */
const PATTERNS =
  /\bgh[pousr]\\?_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}|\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** The secrets of a process: those it was started with, and the tokens it is given as it goes. */
export class Secrets {
  /** What is searched for before a commit. Grows and shrinks as tokens come and go. */
  readonly forms: Buffer[];
  readonly #passing: Buffer[][] = [];

  constructor(values: readonly string[]) {
    // Of one with several lines each is a secret.
    this.forms = [...secretForms(values.flatMap((value) => [value, ...linesOf(value)]))];
  }

  /** Takes in a value that is used for a while. */
  readonly add = (value: string): void => {
    const forms = [...secretForms([value])];
    this.forms.push(...forms);
    this.#passing.push(forms);
    if (this.#passing.length <= MAX_TEMPORARY_SECRETS) return;
    const gone = new Set(this.#passing.shift());
    this.forms.splice(0, this.forms.length, ...this.forms.filter((form) => !gone.has(form)));
  };

  /** Takes every form of the values, and whatever looks like a secret, out of a text. */
  readonly redact = (text: string): string => {
    const plain = this.forms.map((form) => form.toString());
    const forms = [...new Set(plain.flatMap((form) => [form, escaped(form)]))].sort(
      (a, b) => b.length - a.length,
    );
    const known = forms.reduce((rest, form) => rest.replaceAll(form, '[secret]'), text);
    return known.replaceAll(PATTERNS, '[secret]');
  };
}

/** As Markdown shows it where it means nothing. */
function escaped(form: string): string {
  return form.replaceAll(/[\\`*_{}[\]()<>#+!|~&$^=:-]/g, (character) => `\\${character}`);
}

function linesOf(value: string): readonly string[] {
  return value.includes('\n') ? value.split('\n').filter((line) => line.length >= 40) : [];
}

/** What stands in the base64 of any text that holds these bytes: three, as they may begin at any of three places. */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // The first characters depend on what stands before, the last on what stands behind.
    const known = text.slice(shift === 0 ? 0 : shift + 1, Math.floor(((shift + bytes.length) * 8) / 6));
    return [known, known.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/**
 * The paths of changed files that hold a secret, in their content or in their name. A link's content is its target. Each
 * file is held in memory: those that are too large for that are not committed anyway.
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
    after === undefined || after.mode === '160000' ? [] : [{ path, id: after.id }],
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
