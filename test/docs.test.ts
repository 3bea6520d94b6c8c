import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { loadConfig } from '../src/config/load.ts';
import { parsePlan, parseTask } from '../src/discovery/parse.ts';
import { compareText } from '../src/problems/problem.ts';
import { generatedFiles } from '../script/generated-files.ts';
import { findImports, readSources } from './helpers/imports.ts';

const root = new URL('..', import.meta.url).pathname;
const pages = [
  ...readdirSync(root),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((path) => join('docs', path)),
].filter((path) => path.endsWith('.md'));

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The fenced blocks of a language, as `page: text` pairs. */
function blocks(language: string): [page: string, text: string][] {
  return pages.flatMap((page) =>
    Array.from(
      read(page).matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms')),
      (match): [string, string] => [page, match[1] ?? ''],
    ),
  );
}

describe('documentation', () => {
  test.each([...generatedFiles])('%s is what the code makes of it (npm run generate)', (path, render) => {
    expect(render(read(path))).toBe(read(path));
  });

  test.each(blocks('yaml'))('%s: a YAML block is a configuration without problems', (_, text) => {
    const content = Buffer.from(text);
    expect(loadConfig([{ path: '.choo.yml', size: content.length, content }]).problems).toEqual([]);
  });

  test.each(blocks('markdown'))('%s: a Markdown block is a spec without problems', (_, text) => {
    const parse = text.includes('\ntask: ') ? parseTask : parsePlan;
    expect(parse('specs/tasks/x/01-x.md', Buffer.from(text)).problems).toEqual([]);
  });

  test('links only to files that are there', () => {
    const broken = pages.flatMap((page) =>
      Array.from(read(page).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g), (match) =>
        join(dirname(page), match[1] ?? ''),
      ).filter((target) => !existsSync(join(root, target))),
    );
    expect(broken).toEqual([]);
  });

  test('of security proves each claim by a test that is there, with the words of the link in it', () => {
    const claims = read('docs/security.md')
      .split('\n')
      .filter((line) => line.startsWith('| ') && line.split(' | ').length === 3)
      .filter((line) => !/^\| (?:claim|---)/.test(line));
    expect(claims.length).toBeGreaterThan(20); // else nothing was read
    const unproved = claims.flatMap((claim) => {
      const proofs = Array.from(claim.matchAll(/\[([^\]]+)\]\(\.\.\/(test\/[^)]+)\)/g));
      const wrong = proofs.filter(([, words = '', path = '']) => !read(path).includes(words));
      return proofs.length === 0 ? [claim] : wrong.map(([link]) => link);
    });
    expect(unproved).toEqual([]);
  });

  test('calls only scripts and npm scripts that exist', () => {
    const text = pages.map(read).join('\n');
    const scripts = Array.from(text.matchAll(/\bnpm run ([a-z]+)/g), (match) => match[1] ?? '');
    const known = new Set([...Object.keys(manifest.scripts), 'lint', 'clean']); // the last two are a user's own, in examples
    expect(scripts.filter((name) => !known.has(name))).toEqual([]);
    const files = Array.from(text.matchAll(/\bscript\/([a-z0-9.]+)/g), (match) => match[1] ?? '');
    expect(files.filter((name) => !existsSync(join(root, 'script', name)))).toEqual([]);
  });

  test('names only kinds of tests that script/test knows', () => {
    const kinds = Array.from(
      pages
        .map(read)
        .join('\n')
        .matchAll(/\bscript\/test ([a-z0-9]+)/g),
      (match) => match[1] ?? '',
    );
    expect(kinds).toContain('unit'); // else nothing was read
    const usage = read('script/test').replace(/^(?!#).*$/gm, '');
    expect(kinds.filter((kind) => !new RegExp(`\\b${kind}\\b`).test(usage))).toEqual([]);
  });

  test('gives a reason for every dependency, and for nothing else', () => {
    const reasons = Array.from(
      read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| \S/gm),
      (match) => match[1] ?? '',
    );
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const declared = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(reasons.toSorted(compareText)).toEqual(declared.toSorted(compareText));
  });

  test('pins what is below 1.0', () => {
    const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      ([, range]) => /^[~^]0\./.test(range),
    );
    expect(loose).toEqual([]);
  });

  test('of each decision fits a page', () => {
    for (const page of pages.filter((path) => path.includes('/adr/'))) {
      expect(read(page).split('\n').length, page).toBeLessThan(60);
      for (const part of ['Context', 'Decision', 'Rejected', 'Consequences'])
        expect(read(page), page).toContain(`## ${part}\n`);
    }
  });

  test('of the glossary gives each term one meaning, and no banned word a meaning of its own', () => {
    const [areas = '', banned = ''] = read('docs/glossary.md').split(
      '\n## Words that had several meanings\n',
    );
    const rows = (text: string): string[][] =>
      Array.from(text.matchAll(/^\| (?!Term |Word |---)(.*) \|$/gm), (match) =>
        (match[1] ?? '').split(' | '),
      );
    const terms = rows(areas).flatMap(([names = '']) => names.split(', '));
    expect(terms.length).toBeGreaterThan(100); // else nothing was read
    expect(terms.filter((term, index) => terms.indexOf(term) !== index)).toEqual([]);
    const words = rows(banned).flatMap(([names = '']) => names.split(', '));
    const both = words.filter((word) => terms.includes(word));
    expect(both).toEqual(['hold']); // the label
    expect(rows(areas).filter((row) => row.length !== 3)).toEqual([]);
  });

  test.each(['docs/architecture.md', 'CONTRIBUTING.md'])('%s names only paths that exist', (page) => {
    const spans = Array.from(read(page).matchAll(/`([^`\s]+)`/g), (match) => match[1] ?? '');
    const paths = spans.filter((span) => /^(?:[\w.-]+\/)*(?:[\w-]+\.(?:ts|md)|[\w-]+\/)$/.test(span));
    expect(paths.length).toBeGreaterThan(15); // else nothing was read
    const missing = paths
      .map((path) => (path.endsWith('NAME.ts') || path.endsWith('NAME/') ? dirname(path) : path))
      .filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, 'src', path)));
    expect(missing).toEqual([]);
  });

  test('draws the rooms of src/ as they import each other', () => {
    const [picture = ''] = blocks('mermaid').flatMap(([page, text]) =>
      page === 'docs/architecture.md' ? text : [],
    );
    const rooms = new Map(
      Array.from(picture.matchAll(/^ {2}(\w+)\["([^"<]+)<br>/gm), (match) => [
        match[1] ?? '',
        match[2] ?? '',
      ]),
    );
    const drawn = Array.from(
      picture.matchAll(/^ {2}(\w+) --> (\w+)$/gm),
      (match) => [rooms.get(match[1] ?? ''), rooms.get(match[2] ?? '')] as const,
    );
    expect(drawn.length).toBeGreaterThan(15); // else nothing was read
    // The room of a file: the longest name in the picture that its path begins with; the ground floor has none.
    const names = [...rooms.values()].sort((one, other) => other.length - one.length);
    const roomOf = (path: string): string | undefined =>
      names.find((name) => path === name || path.startsWith(`${name}/`));
    const imported = [...readSources()]
      .flatMap(([path, text]) => findImports(path, text))
      .filter(({ internal }) => internal)
      .map(({ from, to }) => [roomOf(from), roomOf(to)] as const)
      .filter(([from, to]) => from !== undefined && to !== undefined && from !== to);
    const arrows = new Set(imported.map(([from, to]) => `${from} --> ${to}`));
    expect(drawn.map(([from, to]) => `${from} --> ${to}`).filter((arrow) => !arrows.has(arrow))).toEqual([]);
    const reachable = (from: string | undefined): readonly (string | undefined)[] =>
      drawn.filter(([start]) => start === from).flatMap(([, to]) => [to, ...reachable(to)]);
    const hidden = imported.filter(([from, to]) => !reachable(from).includes(to));
    expect([...new Set(hidden.map(([from, to]) => `${from} --> ${to}`))]).toEqual([]);
    const folders = [...readSources().keys()].map((path) => path.split('/')[0] ?? '');
    const ground = new Set(['errors.ts', 'text', 'problems', 'system', 'events']);
    const missing = folders.filter((name) => !ground.has(name) && !names.includes(name));
    expect([...new Set(missing)]).toEqual([]);
  });
});
