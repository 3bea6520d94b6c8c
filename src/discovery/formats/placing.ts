import type { Position } from '../../problems/problem.ts';
import type { Field, FieldValue, FrontMatter } from '../front-matter.ts';
import type { Parsed } from '../parse.ts';
import type { SpecFile } from '../unit.ts';

/** From places in what choo wrote to places in the file of the other tool. */
export interface Placing {
  readonly file: string;
  readonly lineAt: (line: number) => number;
  readonly fieldAt: (field: string, item?: string) => Position;
}

/** What was read, with the places of its fields and problems in the file of the other tool. */
export function placed<T extends { readonly file: SpecFile }>(
  { value, problems }: Parsed<T>,
  place: Placing,
): Parsed<T> {
  return {
    value:
      value === undefined
        ? undefined
        : { ...value, file: { ...value.file, frontMatter: placeFields(value.file.frontMatter, place) } },
    problems: problems.map((problem) => ({
      ...problem,
      ...(problem.field === undefined
        ? { line: place.lineAt(problem.line), column: 1 }
        : place.fieldAt(problem.field)),
    })),
  };
}

function placeFields(frontMatter: FrontMatter, place: Placing): FrontMatter {
  const fields = new Map<string, Field>();
  for (const [name, field] of frontMatter.fields)
    fields.set(name, { ...field, at: place.fieldAt(name), value: placeValue(name, field.value, place) });
  return { ...frontMatter, fields };
}

function placeValue(name: string, value: FieldValue, place: Placing): FieldValue {
  const at = place.fieldAt(name, value.kind === 'scalar' ? value.text : undefined);
  if (value.kind !== 'list') return { ...value, at };
  return {
    ...value,
    at,
    items: value.items.map((item) => ({ ...item, at: place.fieldAt(name, item.text) })),
  };
}
