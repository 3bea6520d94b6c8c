import { createHash } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import { baseName } from '../discovery/tree.ts';
import type { SpecFile, Unit } from '../discovery/unit.ts';

/** Whether the field does not define the work: choo records progress in it, or it names what else there is to read. */
function isNoWork(field: string): boolean {
  return field === 'status' || field === 'context' || field.startsWith('orch_');
}

/**
 * The key of each unit: a hash of everything that defines its work. That is its id; for each file its name, every field
 * that is neither progress nor `context` as written, and every byte below the front matter; the set-up commands, baseline
 * checks and variables of the configuration; the directory of a project below its repository's root; and the keys of its
 * dependencies. Independent of statuses and of the spec directory. 64 lower-case hexadecimal digits.
 *
 * `units` must contain all relevant dependencies, in any order, without cycles; unknown ids count by name. Linear in the
 * bytes.
 */
export function unitKeys(
  units: readonly Unit[],
  config: Pick<Config, 'worktree' | 'baseline_checks' | 'env' | 'checkout'>,
  directory = '',
): ReadonlyMap<string, string> {
  const byId = new Map(units.map((unit) => [unit.id, unit]));
  const keys = new Map<string, string>();
  const commands = [config.worktree.setup, config.baseline_checks];
  const common = JSON.stringify([
    ...commands,
    ...(directory === '' ? [] : [directory]),
    ...(Object.keys(config.env).length === 0 ? [] : [config.env]),
    ...(config.checkout.submodules ? ['submodules'] : []),
    ...(config.checkout.lfs ? ['lfs'] : []),
  ]);
  for (const start of units) {
    // Depth first without recursion, for chains of thousands of units.
    const path = [start];
    for (let unit = path.at(-1); unit !== undefined; unit = path.at(-1)) {
      const dependencies = unit.dependsOn.map((id) => byId.get(id)).filter((each) => each !== undefined);
      const missing = keys.has(unit.id) ? [] : dependencies.filter((each) => !keys.has(each.id));
      if (missing.length > 0) {
        path.push(...missing);
        continue;
      }
      path.pop();
      if (!keys.has(unit.id)) keys.set(unit.id, unitKey(unit, common, keys));
    }
  }
  return keys;
}

function unitKey(unit: Unit, common: string, keys: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  const dependencies = unit.dependsOn.toSorted().map((id) => [id, keys.get(id) ?? '']);
  // JSON, and the length before the bytes, so that two different units never give the same input.
  hash.update(JSON.stringify(['choo unit 1', unit.id, common, dependencies]));
  for (const file of [unit.plan, ...unit.tasks.map((task) => task.file)]) {
    const { name, fields, body } = keyParts(file);
    hash.update(JSON.stringify([name, fields, body.byteLength])).update(body);
  }
  return hash.digest('hex');
}

/** The parts of a file that its unit's key covers. */
function keyParts({ path, name = baseName(path), content, frontMatter }: SpecFile): {
  name: string;
  fields: string[];
  body: Uint8Array;
} {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  // A UTF-16 code unit takes at most three bytes of UTF-8, so this much surely holds the front matter.
  const head = bytes.toString('utf8', 0, frontMatter.bodyStart * 3).slice(0, frontMatter.bodyStart);
  const fields = [...frontMatter.fields.values()]
    .filter((field) => !isNoWork(field.name))
    .flatMap((field) => [field.name, head.slice(field.value.start, field.value.end)]);
  return {
    name,
    fields,
    body: bytes.subarray(Buffer.byteLength(head)),
  };
}
