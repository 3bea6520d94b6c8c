import { z } from 'zod';
import { duration } from './schema.ts';

/** `none`, which is Infinity, or a number. */
const orNone = (what: string, pattern: RegExp, most: number) => {
  const error = `${what} from 1 to ${most}, or \`none\``;
  return z
    .string()
    .regex(pattern, error)
    .transform((text) => (text === 'none' ? Number.POSITIVE_INFINITY : Number(text)))
    .refine((number) => number === Number.POSITIVE_INFINITY || (number >= 1 && number <= most), error);
};

const MONEY = z
  .string()
  .regex(/^(?:none|[0-9]{1,7}(?:\.[0-9]{1,6})?)$/, 'an amount in US dollars, `12.50`, or `none`')
  .transform((text) => (text === 'none' ? Number.POSITIVE_INFINITY : Number(text)))
  .refine((dollars) => dollars > 0, 'an amount in US dollars, more than 0, or `none`');
const TOKENS = orNone('a whole number', /^(?:none|[0-9]{1,13})$/, 1_000_000_000_000);
const COUNT = orNone('a whole number', /^(?:none|[0-9]{1,6})$/, 100_000);
const TIME = z.union(
  [z.literal('none').transform(() => Number.POSITIVE_INFINITY), duration],
  'a duration of at most `24h`, for example `90s`, `5m` or `2h`, or `none`',
);

/** The ceilings: how each is read, its default on a server, its description. */
const CEILINGS = {
  CHOO_MAX_COST_RUN: [MONEY, '100', 'The maximum cost of one run, in US dollars.'],
  CHOO_MAX_COST_INSTALLATION_DAY: [
    MONEY,
    '200',
    'The maximum cost of all runs of one installation in one day (UTC), in US dollars.',
  ],
  CHOO_MAX_COST_DAY: [MONEY, '500', 'The maximum cost of all runs in one day (UTC), in US dollars.'],
  CHOO_MAX_TOKENS_RUN: [TOKENS, '50000000', 'The maximum number of tokens of one run.'],
  CHOO_MAX_TOKENS_INSTALLATION_DAY: [
    TOKENS,
    '100000000',
    'The maximum number of tokens of all runs of one installation in one day (UTC).',
  ],
  CHOO_MAX_TOKENS_DAY: [TOKENS, '250000000', 'The maximum number of tokens of all runs in one day (UTC).'],
  CHOO_MAX_PARALLELISM: [COUNT, '16', 'The maximum number of units of one run that are worked on at once.'],
  CHOO_MAX_RUN_UNITS: [COUNT, '1000', 'The maximum number of units of a run; a larger run is refused.'],
  CHOO_MAX_PULL_REQUESTS: [
    COUNT,
    '50',
    'The maximum number of pull requests that one run opens; further results keep their branches.',
  ],
  CHOO_MAX_ATTEMPTS: [COUNT, '10', 'The maximum number of attempts at one task.'],
  CHOO_MAX_TASK_TIME: [TIME, '2h', 'The time limit of one attempt at a task.'],
  CHOO_MAX_GATE_TIME: [TIME, '30m', 'The time limit of a gate, a baseline check or a set-up command.'],
} as const;

type CeilingName = keyof typeof CEILINGS;

/** The operator's maximum for every repository; Infinity: no ceiling. Money in US dollars, times in milliseconds. */
export type Ceilings = Readonly<Record<CeilingName, number>>;

const NAMES = Object.keys(CEILINGS) as readonly CeilingName[];

/** The ceilings, as settings of a server. */
export const ceilingSettings = Object.fromEntries(
  NAMES.map((name) => {
    const [schema, standard, description] = CEILINGS[name];
    return [name, schema.prefault(standard).describe(`${description} Default: \`${standard}\`.`)];
  }),
) as unknown as Readonly<Record<CeilingName, z.ZodType<number, string | undefined>>>;

/** The ceilings, as settings of a local command, where they have no default. */
export const localCeilingSettings = Object.fromEntries(
  NAMES.map((name) => [name, CEILINGS[name][0].optional()]),
) as unknown as Readonly<Record<CeilingName, z.ZodType<number | undefined, string | undefined>>>;

/** Picks the ceilings out of settings; one that is not set is Infinity. */
export function ceilingsOf(settings: Readonly<Partial<Record<CeilingName, number | undefined>>>): Ceilings {
  return Object.fromEntries(
    NAMES.map((name) => [name, settings[name] ?? Number.POSITIVE_INFINITY]),
  ) as unknown as Ceilings;
}

/** Formats the value of a ceiling for a reader: `$12.5`, `50,000,000`, `30m`. */
export function showCeiling(name: CeilingName, value: number): string {
  if (name.startsWith('CHOO_MAX_COST')) return `$${value}`;
  if (!name.endsWith('_TIME')) return value.toLocaleString('en-US');
  const [unit, ms] =
    value % 3_600_000 === 0 ? ['h', 3_600_000] : value % 60_000 === 0 ? ['m', 60_000] : ['s', 1_000];
  return `${value / ms}${unit}`;
}
