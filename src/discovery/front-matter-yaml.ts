import { isAlias, isMap, isScalar, isSeq, type ParsedNode, type Scalar as YamlScalar } from 'yaml';
import type { Position } from '../problems/problem.ts';
import { readYaml } from '../problems/yaml.ts';
import {
  type Fences,
  type Field,
  type FieldValue,
  type FrontMatter,
  type FrontMatterFault,
  listValue,
  type Scalar,
} from './front-matter.ts';

const NULLS: ReadonlySet<string> = new Set(['', '~', 'null', 'Null', 'NULL']);

/** Reads front matter of any shape with the YAML parser. Offsets and positions are those of the whole text. */
export function readYamlFields(
  text: string,
  fences: Fences,
): Pick<FrontMatter, 'fields' | 'braces'> | { readonly faults: readonly FrontMatterFault[] } {
  // Replaces everything before the YAML by a comment of the same length, so that offsets and lines are those of the file.
  const opening = text.slice(0, fences.start);
  const padding = `#${' '.repeat(Math.max(0, opening.trimEnd().length - 1))}${opening.slice(opening.trimEnd().length)}`;
  const yaml = readYaml(padding + text.slice(fences.start, fences.end));
  if (yaml.faults.length > 0) {
    return {
      faults: yaml.faults.map((fault) => ({
        code: 'yaml-syntax',
        ...fault,
        message: `not valid YAML: ${fault.message}`,
      })),
    };
  }
  const root = yaml.document.contents;
  if (root === null) return { fields: new Map(), braces: false };
  if (!isMap(root)) {
    const fault = {
      code: 'front-matter-shape',
      message: 'the front matter is not a list of `name: value` lines',
    } as const;
    return { faults: [{ ...fault, ...yaml.at(root.range[0]) }] };
  }
  const fields = new Map<string, Field>();
  for (const { key, value } of root.items) {
    if (!isScalar(key) || key.range === undefined || key.range === null) continue;
    const name = String(key.value);
    const [start, end] = key.range;
    const colon = text.indexOf(':', end);
    const afterColon = text.slice(end, colon).trim() === '' ? colon + 1 : end;
    fields.set(name, {
      name,
      at: yaml.at(start),
      start,
      value: fieldValue(value, text, afterColon, yaml.at),
    });
  }
  return { fields, braces: root.flow === true };
}

type Locate = (offset: number) => Position;

function fieldValue(node: ParsedNode | null, text: string, afterColon: number, locate: Locate): FieldValue {
  if (node === null) return { kind: 'empty', at: locate(afterColon), start: afterColon, end: afterColon };
  if (isScalar(node)) return scalarValue(node, text, afterColon, locate);
  const [start, end] = node.range;
  const position = { at: locate(start), start, end };
  if (!isSeq(node) || marked(node) !== undefined)
    return { kind: 'unsupported', what: kindOf(node), ...position };
  const items: Scalar[] = [];
  for (const item of node.items) {
    const value = isScalar(item) ? scalarValue(item, text, item.range[0], locate) : undefined;
    if (value?.kind !== 'scalar')
      return { kind: 'unsupported', what: 'a list with values other than words', ...position };
    items.push(value);
  }
  const first = items[0];
  const last = items.at(-1);
  if (node.flow === true || first === undefined || last === undefined) return listValue(items, position);
  return listValue(items, { at: first.at, start: first.start, end: last.end });
}

function scalarValue(node: YamlScalar.Parsed, text: string, afterColon: number, locate: Locate): FieldValue {
  const mark = marked(node);
  const [start, end] = node.range;
  if (mark !== undefined) return { kind: 'unsupported', what: mark, at: locate(start), start, end };
  const quoted = node.type !== 'PLAIN';
  const source = quoted ? String(node.value) : (node.source ?? '');
  if (!quoted && NULLS.has(source)) {
    return source === ''
      ? { kind: 'empty', at: locate(afterColon), start: afterColon, end: afterColon }
      : { kind: 'empty', at: locate(start), start, end };
  }
  return {
    kind: 'scalar',
    text: source,
    quoted,
    at: locate(start),
    start,
    end: start + text.slice(start, end).trimEnd().length,
  };
}

function marked(node: { anchor?: string; tag?: string }): string | undefined {
  if (node.anchor !== undefined) return 'a YAML anchor';
  return node.tag === undefined || node.tag.startsWith('tag:yaml.org,2002:') ? undefined : 'a YAML tag';
}

function kindOf(node: ParsedNode): string {
  if (isAlias(node)) return 'a YAML alias';
  return isMap(node) ? 'a mapping' : 'a marked list';
}
