import type { Contents } from './json-manifests.ts';

/** Sections that hold dependencies or describe the product; of some only keys that do. */
const SECTIONS: Readonly<Record<string, RegExp>> = {
  // pyproject.toml
  project: /./,
  'project.urls': /./,
  'project.scripts': /./,
  'project.gui-scripts': /./,
  'project.optional-dependencies': /./,
  'dependency-groups': /./,
  'tool.poetry':
    /^(?:name|version|description|authors|maintainers|license|readme|homepage|repository|documentation|keywords|classifiers)$/,
  'tool.poetry.dependencies': /./,
  'tool.poetry.dev-dependencies': /./,
  'tool.poetry.scripts': /./,
  'tool.pdm.dev-dependencies': /./,
  // setup.cfg
  metadata: /./,
  // Cargo.toml
  package:
    /^(?:name|version|description|authors|license|readme|homepage|repository|documentation|keywords|categories|publish)$/,
  dependencies: /./,
  'dev-dependencies': /./,
  'workspace.dependencies': /./,
  features: /./,
  badges: /./,
  // Pipfile
  packages: /./,
  'dev-packages': /./,
};
const GROUP = /^tool\.poetry\.group\.[\w-]+\.dependencies$/;

/** Whether a file with sections in brackets changed only in those that hold dependencies or describe the product. */
export function isHarmlessSections({ before, after }: Contents): boolean {
  const [old, now] = [readSections(before), readSections(after)];
  return [...new Set([...old.keys(), ...now.keys()])].every((name) =>
    isHarmlessSection(name, old.get(name) ?? [], now.get(name) ?? []),
  );
}

function isHarmlessSection(name: string, was: readonly string[], is: readonly string[]): boolean {
  if (was.join('\n') === is.join('\n')) return true;
  const keys = Object.hasOwn(SECTIONS, name) ? SECTIONS[name] : GROUP.test(name) ? /./ : undefined;
  if (keys === undefined) return false;
  const known = new Set(was);
  const kept = new Set(is);
  const changed = [...is.filter((line) => !known.has(line)), ...was.filter((line) => !kept.has(line))];
  // A text of several lines could take in the sections below it.
  if (changed.some((line) => /"""|'''/.test(line))) return false;
  // A line without a key continues another one.
  return changed.every((line) => keys.source === '.' || keys.test(/^([\w-]+)\s*=/.exec(line)?.[1] ?? ''));
}

/**
 * Such a file as after a change, but with the sections that are not harmless as before. Undefined: a text of several lines could
 * hide where a section begins.
 */
export function withJudgedSections({ before, after }: Contents): string | undefined {
  if (/"""|'''/.test(before + after)) return undefined;
  const [old, now] = [readSections(before), readSections(after)];
  const names = [...new Set(['', ...now.keys(), ...old.keys()])];
  const lines = names.flatMap((name) => {
    const [was, is] = [old.get(name) ?? [], now.get(name) ?? []];
    return isHarmlessSection(name, was, is) ? is : was;
  });
  return `${lines.join('\n')}\n`;
}

/**
 * The lines of each section, in order, without comments and blanks. What stands above the first one has the name ''. An indented
 * header is none in some formats, so that lines are compared with their indents.
 */
function readSections(text: string): ReadonlyMap<string, readonly string[]> {
  const sections = new Map<string, string[]>();
  let name = '';
  for (const each of text.split('\n')) {
    const line = each.trimEnd();
    const inner = line.trimStart();
    if (inner === '' || inner.startsWith('#')) continue;
    // Any other line that begins so may be a header in a spelling that is not known here.
    if (inner.startsWith('[')) name = inner.replaceAll(/["'\s[\]]/g, '');
    const lines = sections.get(name) ?? [];
    sections.set(name, lines);
    lines.push(line);
  }
  return sections;
}

/** Whether a `go.mod` changed only in what it requires. */
export function isHarmlessGoMod({ before, after }: Contents): boolean {
  return withoutRequirements(before) === withoutRequirements(after);
}

function withoutRequirements(text: string): string {
  const kept: string[] = [];
  let isInside = false;
  for (const each of text.split('\n')) {
    const line = (each.split('//')[0] ?? '').trim();
    if (line === '' || /^require\s+[\w./~-]+\s+v[\w.+-]+$/.test(line)) continue;
    if (/^require\s*\($/.test(line)) isInside = true;
    else if (isInside && line === ')') isInside = false;
    else if (!isInside || !/^[\w./~-]+\s+v[\w.+-]+$/.test(line)) kept.push(line);
  }
  return kept.join('\n');
}

/** A line that adds a dependency from a registry, by the kind of file. */
const DEPENDENCY_LINES = {
  gradle:
    /^(?:implementation|api|compileOnly|runtimeOnly|annotationProcessor|kapt|ksp|test(?:Implementation|RuntimeOnly|CompileOnly))[ (]+["'][\w.-]+:[\w.-]+(?::[\w.-]+)?["']\)?$/,
  gem: /^gem\s+["'][\w-]+["'](?:,\s*["'][~<>=\s\d.]+["'])*$/,
  pip: /^[\w.-]+(?:\[[\w, -]+\])?(?:[=~!<>]{1,3}[\w.*+-]+(?:,[=~!<>]{1,3}[\w.*+-]+){0,9})?$/,
  msbuild: /^<PackageReference Include="[\w.-]+" Version="[\w.-]+" ?\/>$/,
  mix: /^\{:\w+, "[~<>= \d.]+"\},?$/,
  catalogue: /^[\w-]+ *= *(?:"[\w.:+-]+"|\{[^{}]*\})$/,
  sum: /^[\w./~-]+ v[\w.+-]+(?:\/go\.mod)? h1:[\w+/=]+$/,
} as const;

/** The test whether a file of a kind only gained lines that add a dependency. */
export function onlyGainedDependencies(kind: keyof typeof DEPENDENCY_LINES): (contents: Contents) => boolean {
  return ({ before, after }) => {
    const old = linesOf(before);
    let at = 0;
    for (const line of linesOf(after)) {
      if (line === old[at]) at += 1;
      else if (!DEPENDENCY_LINES[kind].test(line)) return false;
    }
    return at === old.length;
  };
}

function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
