/** A file before and after a change. */
export interface Contents {
  readonly before: string;
  readonly after: string;
}

type Values = Readonly<Record<string, unknown>>;

/** Keys of a `package.json` that describe the product and start nothing while it is judged. */
const DESCRIBES = new Set(
  (
    'author bin browser bugs contributors cpu description directories engines exports files funding homepage icon keywords license ' +
    'main maintainers man module name os peerDependenciesMeta private publishConfig repository sideEffects types typesVersions typings version'
  ).split(' '),
);
const DEPENDS = new Set([
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
  'require',
  'require-dev',
  'suggest',
]);
/** Versions and tags of a registry, as opposed to addresses, paths and other names. */
const VERSION = /^(?!.*(?:[:/]|\.\.))[\w\s.*^~<>=|@+-]*$/;
/** Scripts that npm runs by itself, or around another one. */
const BY_ITSELF =
  /^(?:(?:pre|post)?(?:install|prepare|pack|publish|version|test)|dependencies|prepublishOnly)$|^(?:pre|post)/;
const COMPOSER_DESCRIBES = new Set(
  'name description version type keywords homepage readme time license authors support funding archive suggest bin'.split(
    ' ',
  ),
);

/** Whether a `package.json` changed only in what it depends on and how it describes the product, or gained scripts. */
export function isHarmlessPackage({ before, after }: Contents): boolean {
  const [old, now] = [valuesOf(before), valuesOf(after)];
  return changedKeys(old, now).every((key) => {
    if (DESCRIBES.has(key)) return true;
    if (DEPENDS.has(key)) return isHarmlessDependencies(old[key], now[key]);
    return key === 'scripts' && gainedScripts(old[key], now[key]);
  });
}

/** A `package.json` as after a change, but with the values that are not harmless as before. Throws when one is no JSON. */
export function withJudgedKeys({ before, after }: Contents): string {
  const [old, now] = [valuesOf(before), valuesOf(after)];
  const merged: Record<string, unknown> = { ...now };
  for (const key of changedKeys(old, now)) {
    if (DESCRIBES.has(key) || (DEPENDS.has(key) && isHarmlessDependencies(old[key], now[key]))) continue;
    if (key === 'scripts') merged[key] = withOldScripts(asValues(old[key]), asValues(now[key]));
    else if (Object.hasOwn(old, key)) merged[key] = old[key];
    else delete merged[key];
  }
  return `${JSON.stringify(merged, undefined, 2)}\n`;
}

function withOldScripts(old: Values, now: Values): Values {
  const gained = Object.entries(now).filter(([name]) => !Object.hasOwn(old, name) && !BY_ITSELF.test(name));
  return { ...Object.fromEntries(gained), ...old };
}

/** {@link isHarmlessPackage} of a `composer.json`. */
export function isHarmlessComposer({ before, after }: Contents): boolean {
  const [old, now] = [valuesOf(before), valuesOf(after)];
  return changedKeys(old, now).every(
    (key) => COMPOSER_DESCRIBES.has(key) || (DEPENDS.has(key) && isHarmlessDependencies(old[key], now[key])),
  );
}

/** Dependencies may come and go; those that stay may get another version, and not another source. */
function isHarmlessDependencies(before: unknown, after: unknown): boolean {
  const [old, now] = [asValues(before), asValues(after)];
  return changedKeys(old, now).every((name) => {
    const version = now[name];
    return (
      version === undefined ||
      (typeof version === 'string' && (!Object.hasOwn(old, name) || VERSION.test(version)))
    );
  });
}

/** New scripts, which no gate can have run before, and none around others. */
function gainedScripts(before: unknown, after: unknown): boolean {
  const [old, now] = [asValues(before), asValues(after)];
  return changedKeys(old, now).every((name) => !Object.hasOwn(old, name) && !BY_ITSELF.test(name));
}

function changedKeys(before: Values, after: Values): readonly string[] {
  const all = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...all].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
}

/** The values of a JSON object. Throws when the text is none. */
export function valuesOf(text: string): Values {
  return asValues(JSON.parse(text.replace(/^\uFEFF/, '')));
}

function asValues(value: unknown): Values {
  if (value === undefined) return {};
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new TypeError('not an object');
  return value as Values;
}
