import { availableParallelism } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { ChooError } from '../errors.ts';
import { ceilingSettings, localCeilingSettings } from './ceilings.ts';
import { type Environment, findOldNames, readVariable, type Rename } from './renamed-settings.ts';
import { faultOfName } from './control-variables.ts';
import { notifySettings } from '../notify/settings.ts';
import { PROVIDER_NAMES } from './schema.ts';
import { accounts, count, list } from './server/setting-values.ts';
import { signInSettings } from './server/sign-in-settings.ts';
import { type SetUpSecret, setUpSecret } from './set-up-secrets.ts';

const provider = z.enum(PROVIDER_NAMES, { error: `one of ${PROVIDER_NAMES.join(', ')}` });

/** All settings, which come from the environment. Source of the settings table in the documentation. */
export const settingsSchema = z.object({
  PATH: z
    .string()
    .default('/usr/local/bin:/usr/bin:/bin')
    .describe('Where git and the agent CLIs are found.'),
  CHOO_PROVIDER: provider
    .optional()
    .describe("The operator's default provider. It overrides `.choo.yml`; a unit or a request overrides it."),
  RALPH_PROVIDER: provider.optional().describe('The older name of CHOO_PROVIDER, used when that is not set.'),
  CHOO_ALLOWED_PROVIDERS: list
    .pipe(z.array(provider))
    .optional()
    .describe('The providers that runs may use, separated by commas. Default: all.'),
  CHOO_ALLOWED_MODELS: list
    .optional()
    .describe('The models that repositories may name, separated by commas. Default: any.'),
  CHOO_SANDBOX: z
    .enum(['bubblewrap', 'host'], { error: 'bubblewrap or host' })
    .default('bubblewrap')
    .describe(
      'The sandbox of agents and gates on a server. When it fails its self-test, the server does not start.',
    ),
  CHOO_SANDBOX_READ: list
    .pipe(z.array(z.string().startsWith('/', 'absolute paths, separated by commas')))
    .default([])
    .describe(
      'Directories and files of this machine that every sandbox shows, read-only, separated by commas. Those of them on the PATH are on the PATH inside.',
    ),
  CHOO_SANDBOX_ENV: list
    .pipe(
      z.array(
        z
          .string()
          .refine(
            (name) => faultOfName(name) === undefined,
            'names of variables that a sandbox does not set itself',
          ),
      ),
    )
    .default([])
    .describe(
      'Names of variables that every sandboxed command gets with the value that they have here, separated by commas. Agents see them: none may be a secret.',
    ),
  CHOO_SETUP_SECRETS: list
    .pipe(z.array(setUpSecret))
    .default([])
    .describe(
      'Names of variables with credentials of private registries that set-up gets while no agent wrote anything that it reads, separated by commas: `NAME` for `choo run`, `NAME@owner` or `NAME@owner/repository` on a server.',
    ),
  CHOO_ALLOWED_COMMANDS: list
    .pipe(z.array(z.string().regex(/^[0-9a-f]{16}$/, 'hashes, as `choo run` prints them')))
    .default([])
    .describe(
      "What a repository's `provider.providers.<name>.command` and `args` may start with `choo run`, by the hashes that it prints, separated by commas: for machines without a terminal, which cannot be asked.",
    ),
  CHOO_DATA_DIR: z
    .string()
    .min(1)
    .default('/var/lib/choo')
    .describe('The directory of repositories, worktrees, logs and the built-in database.'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(?:ql)?:\/\//, 'a PostgreSQL URL, `postgres://…`')
    .optional()
    .describe('The URL of your own PostgreSQL. Default: the built-in one under CHOO_DATA_DIR.'),
  APP_ID: z
    .string()
    .regex(/^[1-9][0-9]{0,15}$/, "the App's number")
    .transform(Number)
    .optional()
    .describe('The id of the GitHub App. Without it a server has no App and works on submitted runs only.'),
  PRIVATE_KEY: z
    .string()
    .transform((text) => text.replaceAll('\\n', '\n').trim())
    .refine((text) => /^-----BEGIN [A-Z ]*PRIVATE KEY-----\n/.test(text), 'a private key in PEM')
    .optional()
    .describe("The App's private key, in PEM; `\\n` stands for a line break."),
  WEBHOOK_SECRET: z
    .string()
    .min(16, 'at least 16 characters')
    .optional()
    .describe('The secret that GitHub signs deliveries with.'),
  ...signInSettings,
  GHE_HOST: z
    .string()
    .regex(/^[A-Za-z0-9.-]+(?::[0-9]{1,5})?$/, 'a host, without a scheme or a path')
    .optional()
    .describe('The host of a GitHub Enterprise Server. Default: github.com.'),
  GHE_PROTOCOL: z
    .enum(['https', 'http'], { error: 'https or http' })
    .default('https')
    .describe('The protocol of GHE_HOST; `http` only for a host on this machine.'),
  CHOO_ALLOWED_BOTS: accounts
    .default([])
    .describe('The ids of bot accounts that may request runs, separated by commas. Default: none.'),
  CHOO_METRICS_TOKEN: z
    .string()
    .min(16, 'at least 16 characters')
    .optional()
    .describe(
      'Who sends it as a bearer token may read `/metrics`. Default: nobody but this machine, and no proxy on it.',
    ),
  ...notifySettings,
  CHOO_WRITE_PAUSE_MS: count(0, 60_000)
    .default(1_000)
    .describe(
      'The pause between two changes of one installation on GitHub, in milliseconds. github.com asks for a second; a GitHub Enterprise Server may not.',
    ),
  CHOO_CONCURRENCY: count(1, 1_000)
    .default(Math.max(1, availableParallelism()))
    .describe(
      'The maximum number of units that this process works on at once. Default: one for each processor.',
    ),
  CHOO_MAX_UNITS: count(1, 100_000)
    .optional()
    .describe('The maximum number of units that all processes together work on at once. Default: unlimited.'),
  CHOO_SLOT_SECONDS: count(1, 86_400)
    .default(600)
    .describe('The time that a unit keeps its slot while another installation waits below its fair share.'),
  ...ceilingSettings,
  CHOO_MIN_FREE_GIB: count(0, 1_000_000)
    .default(1)
    .describe('A server starts no unit while CHOO_DATA_DIR has less free space than this, in GiB.'),
  CHOO_SETTLE_SECONDS: count(0, 3_600)
    .default(30)
    .describe('How long a unit branch must be quiet before choo verifies what others pushed to it.'),
  CHOO_RETENTION_DAYS: count(1, 36_500).default(30).describe('How long finished runs and their logs stay.'),
  CHOO_AUDIT_DAYS: count(1, 36_500).default(400).describe('How long the entries of the audit stay.'),
  CHOO_DRAIN_SECONDS: count(0, 86_400)
    .default(60)
    .describe('How long running units may go on when a server shuts down.'),
});

/** The settings of local commands. A bad value of a server's setting, or of another program's, must not stop them. */
const localSettingsSchema = settingsSchema
  .pick({
    PATH: true,
    CHOO_PROVIDER: true,
    RALPH_PROVIDER: true,
    CHOO_ALLOWED_PROVIDERS: true,
    CHOO_SANDBOX_READ: true,
    CHOO_SANDBOX_ENV: true,
    CHOO_SETUP_SECRETS: true,
    CHOO_ALLOWED_COMMANDS: true,
  })
  .extend({
    ...localCeilingSettings,
    CHOO_DATA_DIR: z.string().optional(),
    XDG_STATE_HOME: z.string().optional(),
    HOME: z.string().optional(),
    TMPDIR: z.string().default('/tmp'),
  });

/** Every setting of a server, checked. */
export type Settings = z.output<typeof settingsSchema>;
/** The settings of a local command, checked. */
export type LocalSettings = z.output<typeof localSettingsSchema>;

/**
 * Reads the environment of a server, once, at start. An empty variable counts as not set.
 * Throws a ChooError (`environment`) that names every variable with a bad value, or one whose old name has another value.
 */
export function readSettings(environment: Environment = process.env): Settings {
  return read(settingsSchema, environment);
}

/** Reads the environment of a local command, in the same way. */
export function readLocalSettings(environment: Environment = process.env): LocalSettings {
  return read(localSettingsSchema, environment);
}

/** The settings that are set by an old name; a server or a command warns of each once. */
export function readOldNames(environment: Environment = process.env): readonly Rename[] {
  return findOldNames(environment);
}

/**
 * The directory of a local command's worktrees and repositories: CHOO_DATA_DIR, else `choo` in the user's state directory
 * (XDG base directories). Throws a ChooError (`environment`) when the environment names none.
 */
export function localDataDirectory({ CHOO_DATA_DIR, XDG_STATE_HOME, HOME }: LocalSettings): string {
  if (CHOO_DATA_DIR !== undefined) return resolve(CHOO_DATA_DIR);
  if (XDG_STATE_HOME !== undefined && isAbsolute(XDG_STATE_HOME)) return join(XDG_STATE_HOME, 'choo');
  if (HOME !== undefined) return join(HOME, '.local/state/choo');
  throw new ChooError('environment', 'HOME is not set, so choo has no directory for worktrees', {
    hint: 'set CHOO_DATA_DIR to a directory',
  });
}

/** The values of these variables, by name, without those that are not set. */
export function readVariables(
  names: readonly string[],
  environment: Environment = process.env,
): Readonly<Record<string, string>> {
  const set = names.map((name) => [name, environment[name] ?? ''] as const);
  return Object.fromEntries(set.filter(([, value]) => value !== ''));
}

/** A shorter one would be found in what a set-up leaves by chance. Characters. */
const MIN_SECRET_LENGTH = 8;

/** The credentials for set-up, by variable. Throws a ChooError (`environment`) for one that is not set, or too short to be searched for. */
export function readSetUpSecrets(
  secrets: readonly SetUpSecret[],
  environment: Environment = process.env,
): Readonly<Record<string, string>> {
  const read = secrets.map(({ name }) => {
    const value = environment[name] ?? '';
    if (value.length >= MIN_SECRET_LENGTH) return [name, value] as const;
    const what = value === '' ? 'is not set' : `is shorter than ${MIN_SECRET_LENGTH} characters`;
    throw new ChooError('environment', `CHOO_SETUP_SECRETS names ${name}, which ${what}`, {
      hint: 'set it, or leave it out of the list',
    });
  });
  return Object.fromEntries(read);
}

/** All variables, for what finds the ones of other tools in them. */
export function readEnvironment(environment: Environment = process.env): Environment {
  return environment;
}

/** Variables whose value an error does not repeat, because it may contain a password. */
const SECRET: ReadonlySet<string> = new Set([
  'DATABASE_URL',
  'PRIVATE_KEY',
  'WEBHOOK_SECRET',
  'GITHUB_CLIENT_SECRET',
  'CHOO_METRICS_TOKEN',
  'CHOO_NOTIFY_URL',
  'CHOO_NOTIFY_SECRET',
  'CHOO_NOTIFY_SLACK',
]);

/** The settings of choo's own that are no secret, for the audit: what an operator changed shows by comparing two starts. */
export function publicSettings(settings: Settings): Readonly<Record<string, unknown>> {
  const own = Object.entries(settings).filter(
    ([name]) => name.startsWith('CHOO_') && !SECRET.has(name) && name !== 'CHOO_SETUP_SECRETS',
  );
  return Object.fromEntries(own.map(([name, value]) => [name, value === Infinity ? 'none' : value]));
}

function read<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  environment: Environment,
): z.output<z.ZodObject<Shape>> {
  const found = new Map(Object.keys(schema.shape).map((name) => [name, readVariable(environment, name)]));
  const set = [...found].filter(([, { value }]) => value !== undefined && value !== '');
  const parsed = schema.safeParse(Object.fromEntries(set.map(([name, { value }]) => [name, value])));
  if (parsed.success) return parsed.data;
  const bad = new Map<string, string>();
  for (const issue of parsed.error.issues) {
    const setting = String(issue.path[0]);
    const { name, value = '' } = found.get(setting) ?? { name: setting };
    const got = SECRET.has(name) ? '' : `, not \`${value}\``;
    if (!bad.has(name)) bad.set(name, `${name} must be ${issue.message}${got}`);
  }
  throw new ChooError('environment', [...bad.values()].join('; '), {
    hint: 'change or unset it and start again',
  });
}
