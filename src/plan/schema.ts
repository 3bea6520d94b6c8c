import { z } from 'zod';
import { PROVIDER_NAMES } from '../config/schema.ts';
import { TASK_STATUSES, UNIT_STATUSES } from '../discovery/unit.ts';
import type { ProblemCode } from '../problems/codes.ts';
import { PROVIDER_SOURCES } from '../provider/factory.ts';

const position = { line: z.int().min(1), column: z.int().min(1) };

const problem = z.strictObject({
  severity: z.enum(['error', 'warning', 'notice']),
  // Any text for scripts, so that a new code breaks none; for choo one of the catalogue.
  code: z.string().describe('The rule, in kebab-case.') as z.ZodType<ProblemCode>,
  message: z.string(),
  file: z.string().describe('Path from the project directory.'),
  ...position,
  field: z.string().exactOptional().describe('The front matter field or configuration key.'),
  got: z.string().exactOptional().describe('What was found there, shortened.'),
  hint: z.string().exactOptional().describe('What to do about it.'),
});

/** All problems of a plan, for scripts. */
const problemsSchema = z.strictObject({
  errors: z.int().min(0),
  warnings: z.int().min(0),
  notices: z.int().min(0),
  dropped: z.int().min(0).describe('How many were counted above but are not in the list.'),
  list: z.array(problem).describe('By file, line and column; at most 1,000, errors kept first.'),
});

const task = z.strictObject({
  number: z.int().min(1),
  title: z.string(),
  file: z.string(),
  status: z.enum(TASK_STATUSES),
  gate: z.string().describe('The shell command that must exit 0.'),
  dependsOn: z.array(z.int().min(1)).describe('Numbers of tasks in the same unit.'),
  mayChange: z
    .array(z.string())
    .describe(
      'Globs of files that judge or build and that it may change all the same, from the project directory.',
    ),
});

const unit = z.strictObject({
  id: z.string(),
  directory: z.string(),
  title: z.string(),
  state: z
    .enum(['planned', 'verify', 'complete', 'broken', 'stuck', 'left-out'])
    .describe(
      'planned: work is left and will be done; verify: complete, named, so only its gates run; complete: not verified; ' +
        'broken: a problem keeps it from running; stuck: it waits for a broken unit; left-out: not requested.',
    ),
  status: z
    .enum(UNIT_STATUSES)
    .nullable()
    .describe('As declared, or inferred from the tasks; null for a broken unit.'),
  wave: z.int().min(1).nullable(),
  dependsOn: z.array(z.string()),
  provider: z.strictObject({ name: z.enum(PROVIDER_NAMES), source: z.enum(PROVIDER_SOURCES) }).nullable(),
  key: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable()
    .describe('Same key, same work.'),
  tasks: z.array(task),
});

/**
 * The plan of a spec tree: what would run, in which order, with what. Source of its type and of its JSON Schema.
 *
 * @internal
 */
export const planSchema = z.strictObject({
  version: z.literal(1),
  source: z.strictObject({
    kind: z.enum(['directory', 'commit']),
    name: z.string().describe('The directory, or the commit as it was named.'),
    commit: z.string().nullable().describe('The full id; null for a directory.'),
  }),
  configFile: z.string().nullable().describe('Null when the defaults hold.'),
  specsDir: z.string(),
  targetBranch: z.string().nullable().describe("Null: the repository's default branch."),
  parallelism: z.int().min(1),
  runnable: z.boolean().describe('No problem is an error.'),
  units: z.array(unit).describe('All units of the tree, by id.'),
  waves: z
    .array(z.array(z.string()))
    .describe('Unit ids; each wave can start when the waves before it are complete.'),
  criticalPath: z.strictObject({
    units: z.array(z.string()),
    tasks: z.int().min(0).describe('Unfinished tasks along it.'),
  }),
  setup: z.array(z.strictObject({ command: z.string(), if: z.string().nullable() })),
  baselineChecks: z.array(
    z.strictObject({ name: z.string(), command: z.string(), pattern: z.string().nullable() }),
  ),
  verify: z.boolean(),
  problems: problemsSchema,
});

export type Plan = z.output<typeof planSchema>;
export type PlanUnit = Plan['units'][number];

/** The JSON Schema of `choo plan --json`. */
export function planJsonSchema(): object {
  return { title: 'choo plan --json', ...z.toJSONSchema(planSchema, { target: 'draft-7' }) };
}
