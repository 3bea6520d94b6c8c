import { z } from 'zod';
import { PROVIDER_NAMES, type ProviderName } from '../provider/by-name.ts';
import { glob } from './glob-schema.ts';
import { protectRules } from './protection/rules.ts';
import { pullRequests } from './pull-requests.ts';
import { relativePath } from './relative-path.ts';
import { shellCommand } from './set-up/shell-command.ts';
import { specSources } from './spec-sources.ts';
import { checkoutKeys } from './set-up/checkout-keys.ts';
import { services } from './set-up/services.ts';
import { variables } from './set-up/variables.ts';
import { verdictKeys } from './verdict-keys.ts';
import { worktreeKeys } from './set-up/worktree-keys.ts';

/** The names of providers in a configuration. */
export { PROVIDER_NAMES, type ProviderName };

/** The paths of the configuration, from the root of the repository. */
export const CONFIG_FILES = ['.choo.yml', '.choo.yaml', '.github/choo.yml'] as const;

/** A mapping with these keys and no others. */
const mapping = <S extends z.ZodRawShape>(shape: S) =>
  z.strictObject(shape, { error: 'a mapping: lines of `key: value`' });

const MILLISECONDS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

const A_DURATION = 'a duration: a number and `s`, `m` or `h`, for example `90s`, `5m` or `2h`';

/** `90s`, `5m`, `2h`, read as milliseconds. */
export const duration = z
  .string({ error: A_DURATION })
  .regex(/^[1-9][0-9]{0,5}[smh]$/, A_DURATION)
  .transform((text) => Number(text.slice(0, -1)) * MILLISECONDS[text.slice(-1) as keyof typeof MILLISECONDS])
  .refine((ms) => ms <= 24 * MILLISECONDS.h, 'a duration of at most `24h`');

const timeout = (description: string, standard: string) => duration.prefault(standard).describe(description);

const wholeNumber = (least: number, most: number) => {
  const error = `a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

const AN_AMOUNT = 'an amount in US dollars, more than 0 and at most 1000000';
const dollars = z
  .number({ error: AN_AMOUNT })
  .positive({ error: AN_AMOUNT })
  .max(1_000_000, { error: AN_AMOUNT });

const providerSettings = mapping({
  model: z
    .string({ error: 'the name of a model' })
    .min(1, 'the name of a model')
    .optional()
    .describe('The model, by the name that the CLI uses. On a server only models the operator allows.'),
  args: z
    .array(z.string({ error: 'an argument in quotes' }), { error: 'a list of arguments' })
    .optional()
    .describe(
      'Additional arguments for the CLI. Applies to local runs only, and `choo run` asks once before.',
    ),
  command: z
    .string({ error: 'a path or a name on the path' })
    .min(1, 'a path or a name on the path')
    .optional()
    .describe('Another executable for the CLI. Applies to local runs only, and `choo run` asks once before.'),
}).describe('The settings of one provider.');

/** The configuration of a repository, `.choo.yml`. Source of the JSON Schema and of the table in the documentation. */
export const configSchema = mapping({
  target_branch: z
    .string({ error: 'the name of a branch' })
    .regex(
      /^(?![-./]|HEAD$|refs\/)(?!.*(?:\.\.|\/\/|@\{|\/\.|\.lock(?:\/|$)))[^\0-\x20\x7f~^:?*[\\]+(?<![./])$/,
      'the name of a branch',
    )
    .optional()
    .describe("The branch that results go to. Default: the repository's default branch.")
    .meta({ examples: ['main'] }),
  run_on: z
    .enum(['request', 'push'], { error: 'request or push' })
    .default('request')
    .describe(
      'What starts a run on GitHub: only a label, a comment or a button (`request`), or also a push of new specs to the target branch (`push`).',
    ),
  require_review: z
    .boolean({ error: 'true or false' })
    .default(false)
    .describe(
      'Start a run on GitHub only where an approved pull request brought the specs and the configuration to the branch, or the open one is approved. Whoever approves may push, and neither wrote the pull request nor pushed its last commit.',
    )
    .meta({ examples: [true] }),
  commits: mapping({
    sign_off: z
      .boolean({ error: 'true or false' })
      .default(false)
      .describe(
        'Add `Signed-off-by` with the committer to every commit, for repositories that ask for a sign-off (DCO).',
      ),
  })
    .prefault({})
    .describe('The commits that choo makes.'),
  draft_on_failure: z
    .boolean({ error: 'true or false' })
    .default(true)
    .describe('Open a draft pull request with the commits of a failed unit, so that a person can continue.'),
  pull_requests: pullRequests,
  update: z
    .enum(['when_needed', 'always'], { error: 'when_needed or always' })
    .default('when_needed')
    .describe(
      'When a unit branch is brought up to date: when its base was merged by squash or rebase (`when_needed`), or whenever its base moves (`always`). Its gates run again each time, without an agent.',
    ),
  stack: z
    .enum(['merge', 'rebase'], { error: 'merge or rebase' })
    .optional()
    .describe(
      'How a unit branch is brought up to date: by a merge commit, pushed as a fast-forward, or by making its own commits again, with a force-push. Default: `rebase` where the repository merges only by rebase, or a rule forbids merge commits on unit branches; else `merge`.',
    )
    .meta({ examples: ['rebase'] }),
  on_conflict: z
    .enum(['person', 'agent'], { error: 'person or agent' })
    .default('person')
    .describe(
      'Who resolves a conflict of a unit branch with its base: a person, who may ask for an agent, or one attempt of an agent at once. Its work is pushed only when every gate has passed.',
    ),
  delete_merged: z
    .boolean({ error: 'true or false' })
    .default(true)
    .describe('Delete a unit branch after its pull request is merged and no other one goes to it.'),
  specs_dir: relativePath
    .default('specs/tasks')
    .describe('The directory of specs, with one directory for each unit.'),
  specs: specSources,
  default_gate: shellCommand(
    'The gate of tasks in `specs` that name no command of their own; `{unit}` stands for the id of the unit.',
  )
    .optional()
    .meta({ examples: ['npm test'] }),
  parallelism: wholeNumber(1, 100)
    .default(4)
    .describe('The maximum number of units of one run that are worked on at once.'),
  provider: mapping({
    type: z
      .enum(PROVIDER_NAMES, { error: `one of ${PROVIDER_NAMES.join(', ')}` })
      .optional()
      .describe('The provider of units that name none. Default: claude.')
      .meta({ examples: ['claude'] }),
    providers: z
      .partialRecord(z.enum(PROVIDER_NAMES), providerSettings, {
        error: 'a mapping: lines of `provider: settings`',
      })
      .prefault({})
      .describe('The settings of each provider, by name.')
      .meta({ examples: [{ claude: { model: 'sonnet' } }] }),
  })
    .prefault({})
    .describe('The provider of units, and its settings.'),
  baseline_checks: z
    .array(
      mapping({
        name: z
          .string({ error: 'a short name' })
          .min(1, 'a short name')
          .max(100, 'a short name of at most 100 characters')
          .describe('The name of the check in reports.'),
        command: shellCommand('The shell command; exit status 0 passes.'),
        pattern: glob
          .optional()
          .describe(
            'Run the check only when a changed file matches this glob, relative to the project directory: `*` and `?` match characters of a name, `**` whole names, `[a-z]` and `[!a-z]` one character, `{a,b}` alternatives. A leading dot must be written out. `!(a)` and similar patterns, `{1..3}` and `\\` are refused.',
          ),
      }),
      { error: 'a list of checks, each with `name` and `command`' },
    )
    .max(50, 'a list of at most 50 checks')
    .default([])
    .describe(
      'Commands that must pass after the tasks of a unit. When one fails, the agent repairs the unit and they run again.',
    )
    .meta({ examples: [[{ name: 'lint', command: 'npm run lint', pattern: '**/*.ts' }]] }),
  protect: protectRules,
  env: variables,
  ...verdictKeys,
  checkout: checkoutKeys,
  worktree: worktreeKeys,
  services,
  limits: mapping({
    attempts: wholeNumber(1, 20)
      .default(3)
      .describe(
        'The maximum number of attempts at one task; each gets the output of the red gate before it.',
      ),
    unit_tokens: wholeNumber(1, 1_000_000_000)
      .default(3_000_000)
      .describe('The maximum number of tokens of one unit in one run.'),
    unit_cost: dollars
      .optional()
      .describe(
        'The maximum cost of one unit in one run, in US dollars. Default: limited by the tokens only.',
      )
      .meta({ examples: [20] }),
    run_tokens: wholeNumber(1, 10_000_000_000)
      .default(20_000_000)
      .describe('The maximum number of tokens of one run.'),
    run_cost: dollars
      .optional()
      .describe('The maximum cost of one run, in US dollars. Default: limited by the tokens only.')
      .meta({ examples: [100] }),
    review_rounds: wholeNumber(0, 20)
      .default(2)
      .describe(
        'How many reviews of one pull request start an agent by themselves; after that only `/choo fix` does.',
      ),
    review_cost: dollars
      .optional()
      .describe(
        'The maximum cost of one round of review, in US dollars. Default: what the limits of the unit and the run leave.',
      )
      .meta({ examples: [5] }),
    task_timeout: timeout('The time limit of one attempt at a task.', '30m'),
    idle_timeout: timeout('The longest time that an agent may print nothing.', '10m'),
    gate_timeout: timeout('The time limit of a gate, a baseline check or a set-up command.', '5m'),
  })
    .prefault({})
    .describe(
      "Hard limits. Work that reaches one stops with an error. The operator's ceilings apply where they are smaller.",
    ),
  verify: z
    .boolean({ error: 'true or false' })
    .default(true)
    .describe(
      'Run every gate of a finished unit again in a new worktree. `false` applies to local runs only, whose units are then marked as unverified.',
    ),
  skip_green: z
    .boolean({ error: 'true or false' })
    .default(false)
    .describe('Skip the agent for a task whose gate passes before any work.'),
}).describe('Configuration of choo for one repository.');

/** The configuration with every default filled in; durations in milliseconds. */
export type Config = z.output<typeof configSchema>;

/** The configuration of an empty file. */
export const DEFAULT_CONFIG: Config = configSchema.parse({});

/** The JSON Schema of `.choo.yml`, for editors. */
export function configJsonSchema(): object {
  return { title: '.choo.yml', ...z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' }) };
}
