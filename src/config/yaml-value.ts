import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { FILE_START, type Position } from '../problems/problem.ts';
import type { YamlText } from '../problems/yaml.ts';

/** A YAML document as plain data, with the position of each part. */
export interface LocatedValue {
  /** Mappings, lists and scalars. */
  readonly value: unknown;
  /** The paths of keys called `__proto__`, which are left out because plain data cannot hold them safely. */
  readonly refused: readonly (readonly PropertyKey[])[];
  /** The position of the value at a path, or of the nearest value around it. */
  readonly positionOf: (path: readonly PropertyKey[]) => Position;
  /** The position of the key at the end of a path, or of the nearest value around it. */
  readonly keyPositionOf: (path: readonly PropertyKey[]) => Position;
  /** Whether a path exists; a key without a value counts. */
  readonly hasValue: (path: readonly PropertyKey[]) => boolean;
  /** The source text at a path; undefined unless it is a scalar. */
  readonly sourceOf: (path: readonly PropertyKey[]) => string | undefined;
}

/** Why a document cannot be plain data. */
export interface ValueFault extends Position {
  readonly message: string;
}

/** The maximum number of nodes with all aliases expanded; a configuration needs a hundredth of it. */
const MAX_NODES = 20_000;
const MAX_DEPTH = 50;

interface Placed {
  readonly key: Position | undefined;
  readonly value: Position;
  readonly source: string | undefined;
}

/** Converts a document without faults to data, in one pass. */
export function toLocatedValue({ document, at }: YamlText): LocatedValue | { readonly fault: ValueFault } {
  const places = new Map<string, Placed>();
  const refused: PropertyKey[][] = [];
  const anchors = new Map<string, Node>();
  let nodes = 0;

  const convert = (
    node: Node | null | undefined,
    path: readonly PropertyKey[],
    key: Position | undefined,
    around: Position,
  ): unknown => {
    const position = node?.range ? at(node.range[0]) : (key ?? around);
    nodes += 1;
    if (nodes > MAX_NODES || path.length > MAX_DEPTH) {
      throw new Fault({
        ...position,
        message: 'it is nested too deeply, or its aliases expand to too many nodes',
      });
    }
    const target = isAlias(node) ? resolve(anchors.get(node.source), node.source, position) : node;
    if (target?.anchor !== undefined) anchors.set(target.anchor, target);
    const source = isScalar(target) ? (target.source ?? String(target.value)) : undefined;
    places.set(keyOf(path), { key, value: position, source });
    if (isMap(target)) {
      const entries = target.items.map(({ key: name, value }): [string, unknown] => {
        if (!isScalar(name)) throw new Fault({ ...position, message: 'a key is not a plain word' });
        const text = String(name.value);
        const keyPlace = name.range ? at(name.range[0]) : position;
        return [text, convert(value as Node | null, [...path, text], keyPlace, position)];
      });
      if (entries.some(([name]) => name === '__proto__')) refused.push([...path, '__proto__']);
      return Object.fromEntries(entries.filter(([name]) => name !== '__proto__'));
    }
    if (isSeq(target))
      return target.items.map((item, index) => convert(item as Node, [...path, index], undefined, position));
    return isScalar(target) ? target.value : null;
  };

  try {
    const value = convert(document.contents, [], undefined, FILE_START);
    const nearest = (path: readonly PropertyKey[]): Position => {
      for (let length = path.length; length >= 0; length -= 1) {
        const found = places.get(keyOf(path.slice(0, length)));
        if (found !== undefined) return found.value;
      }
      return FILE_START;
    };
    return {
      value,
      refused,
      positionOf: nearest,
      keyPositionOf: (path) => places.get(keyOf(path))?.key ?? nearest(path.slice(0, -1)),
      hasValue: (path) => places.has(keyOf(path)),
      sourceOf: (path) => places.get(keyOf(path))?.source,
    };
  } catch (error) {
    if (error instanceof Fault) return { fault: error.fault };
    throw error;
  }
}

class Fault extends Error {
  readonly fault: ValueFault;

  constructor(fault: ValueFault) {
    super(fault.message);
    this.fault = fault;
  }
}

function resolve(target: Node | undefined, name: string, position: Position): Node {
  if (target === undefined)
    throw new Fault({ ...position, message: `there is no anchor \`&${name}\` for this alias` });
  return target;
}

function keyOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('\0');
}
