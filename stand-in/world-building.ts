import type { Emulator, EmulatorSeed } from './emulator.ts';
import type { GitHubOptions, RepositoryOptions } from './options.ts';
import { makeBare, newRepository, userFrom } from './seed.ts';
import type { Happening, Installation, Json, User, World } from './world.ts';

/** The options with all defaults, before anything starts. */
export interface Plan {
  readonly seed: EmulatorSeed;
  readonly webhookSecret: string;
  readonly bot: string;
}

const PERMISSIONS = {
  checks: 'write',
  contents: 'write',
  issues: 'write',
  metadata: 'read',
  pull_requests: 'write',
  statuses: 'write',
} as const;

/** How often an account can reinstall the app; the emulator must know each installation from the start. */
const SPARE_INSTALLATIONS = 3;
const FIRST_INSTALLATION = 1001;

export function planWorld(
  { app = {}, users = [], repositories = [] }: GitHubOptions,
  privateKey: string,
): Plan {
  const slug = app.slug ?? 'choo';
  const owners = [...new Set(repositories.map(({ owner }) => owner))];
  const named = [...users.map(({ login }) => login), ...owners];
  const collaborators = repositories.flatMap(({ collaborators = {} }) => Object.keys(collaborators));
  const bot = `${slug}[bot]`;
  const first = repositories.map((repository) => ({
    id: installationIdOf(repository, owners),
    account: repository.owner,
  }));
  const spare = owners.flatMap((account, index) =>
    Array.from({ length: SPARE_INSTALLATIONS }, (_, round) => ({
      id: FIRST_INSTALLATION + index + 1000 * (round + 1),
      account,
    })),
  );
  const installations = new Map(
    [...first, ...spare].flatMap(({ id, account }) => (id === null ? [] : [[id, account] as const])),
  );
  return {
    webhookSecret: app.webhookSecret ?? 'a-secret-nobody-sees',
    bot,
    seed: {
      app: { id: app.id ?? 4711, slug, privateKey },
      permissions: app.permissions ?? PERMISSIONS,
      logins: [...new Set([...named, ...collaborators, bot])],
      repositories: repositories.map(({ owner, name }) => ({ owner, name })),
      installations: [...installations].map(([id, account]) => ({
        id,
        account,
      })),
    },
  };
}

/** Creates the bare repositories and the world, with the ids from the emulator. */
export async function buildWorld(
  of: {
    readonly options: GitHubOptions;
    readonly plan: Plan;
    readonly origin: string;
    readonly root: string;
    readonly emulator: Emulator;
    readonly deliveries: World['deliveries'];
  },
  raise: (happening: Happening) => void,
): Promise<{ readonly world: World; readonly spare: readonly Installation[] }> {
  const { options, plan, origin, root, emulator, deliveries } = of;
  const { seed, bot, webhookSecret } = plan;
  const bots = new Set(
    (options.users ?? []).filter(({ type }) => type === 'Bot').map(({ login }) => login),
  ).add(bot);
  const ask = (path: string, by: string): Promise<Json> => emulator.ask(by, 'GET', path);
  const users = await Promise.all(
    seed.logins.map(async (login) => {
      const profile = await ask(`/users/${encodeURIComponent(login)}`, bot);
      return userFrom(profile, bots.has(login) ? 'Bot' : 'User', login);
    }),
  );
  const find = (login: string): User => {
    const user = users.find((each) => each.login === login);
    if (user === undefined) throw new Error(`there is no user \`${login}\``);
    return user;
  };
  const permissions = seed.permissions as Installation['permissions'];
  const accepted = options.app?.accepted ?? permissions;
  const all: Installation[] = seed.installations.map(({ id, account }) => ({
    id,
    account: find(account),
    permissions: accepted,
    suspended: false,
    deleted: false,
  }));
  const owners = [...new Set(seed.repositories.map(({ owner }) => owner))];
  const repositories = await Promise.all(
    (options.repositories ?? []).map(async (each) => {
      const { owner, name, files = {}, collaborators = {}, drafts = true, private: isPrivate = false } = each;
      const { settings = {} } = each;
      const profile = await ask(`/repos/${owner}/${name}`, owner);
      const id = Number(profile['id']);
      const bare = await makeBare(root, id, files, owner);
      const installationId = installationIdOf(each, owners);
      const installation = all.find((one) => one.id === installationId);
      return newRepository({
        id,
        profile,
        owner: find(owner),
        name,
        bare,
        drafts,
        isPrivate,
        installation,
        collaborators,
        settings,
      });
    }),
  );
  let id = 10_000;
  const world: World = {
    origin,
    root,
    app: {
      ...seed.app,
      webhookSecret,
      clientId: `Iv1.${seed.app.id}`,
      clientSecret: 'a-client-secret-nobody-sees',
      callbackUrls: options.app?.callbackUrls ?? ['http://127.0.0.1/dashboard/sign-in/callback'],
      permissions,
      events: options.app?.events,
      bot: find(bot),
    },
    users,
    repositories,
    installations: all.filter((each) => repositories.some(({ installation }) => installation === each)),
    nextId: () => (id += 1),
    deliveries,
    raise,
  };
  return { world, spare: all };
}

function installationIdOf(
  { owner, installation }: RepositoryOptions,
  owners: readonly string[],
): number | null {
  return installation === undefined ? FIRST_INSTALLATION + owners.indexOf(owner) : installation;
}
