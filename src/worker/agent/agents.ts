import type { Config, ProviderName } from '../../config/schema.ts';
import { PROVIDER_NAMES } from '../../config/schema.ts';
import { readVariables } from '../../config/settings.ts';
import { ChooError } from '../../errors.ts';
import { createProvider } from '../../provider/by-name.ts';
import { installationHint } from '../../provider/provider.ts';
import { findExecutable } from '../../system/executables.ts';
import type { Agent } from './agent.ts';

/** Creates agents: finds the providers' executables on this machine and passes the variables they declare. */
export function createAgents(config: Config, searchPath: string): (provider: string) => Agent {
  const agents = new Map<string, Agent>();
  return (name) => {
    let agent = agents.get(name);
    if (agent === undefined) agents.set(name, (agent = createAgent(name, config, searchPath)));
    return agent;
  };
}

/** The operator's allow-lists; undefined: everything is allowed. */
export interface Allowed {
  readonly providers: readonly string[] | undefined;
  readonly models: readonly string[] | undefined;
}

/**
 * The agents of a server: a repository chooses the provider and model among those that the operator allows, and nothing else of
 * the command line. Getting a forbidden one throws a ChooError (`usage`).
 */
export function createHostedAgents(
  searchPath: string,
  { providers, models }: Allowed,
): (config: Config) => (provider: string) => Agent {
  return (config) => {
    const chosen = Object.entries(config.provider.providers).map(([name, settings]) => {
      const model = settings?.model;
      return [name, model === undefined ? {} : { model }] as const;
    });
    const own = { ...config.provider, providers: Object.fromEntries(chosen) };
    const agents = createAgents({ ...config, provider: own }, searchPath);
    return (name) => {
      refuse('provider', name, providers);
      const model = config.provider.providers[name as ProviderName]?.model;
      if (model !== undefined) refuse('model', model, models);
      return agents(name);
    };
  };
}

function refuse(what: string, name: string, allowed: readonly string[] | undefined): void {
  if (allowed === undefined || allowed.includes(name)) return;
  throw new ChooError('usage', `the ${what} \`${name}\` is not one that this server allows`, {
    hint: `it allows ${allowed.join(', ')}`,
  });
}

function createAgent(name: string, config: Config, searchPath: string): Agent {
  const provider = createProvider(name);
  const { model, args = [], command } = config.provider.providers[name as ProviderName] ?? {};
  const wanted = command ?? provider.executable;
  const executable = findExecutable(wanted, searchPath);
  if (executable === undefined) {
    throw new ChooError('environment', `${provider.name} needs \`${wanted}\`, which is not on the PATH`, {
      hint: installationHint(provider),
    });
  }
  const variables = readVariables(provider.variables.map((variable) => variable.name));
  return { provider, executable, model, args, variables };
}

/** Finds the providers that cannot start on this machine, and why: no program, or none of the keys that they take. */
export function findMissingProviders(
  searchPath: string,
  names: readonly ProviderName[] = PROVIDER_NAMES,
): ReadonlyMap<ProviderName, { readonly message: string; readonly hint: string }> {
  const missing = new Map<ProviderName, { readonly message: string; readonly hint: string }>();
  for (const name of names) {
    const provider = createProvider(name);
    const { executable } = provider;
    const keys = provider.variables.filter(({ secret }) => secret).map((variable) => variable.name);
    if (findExecutable(executable, searchPath) === undefined)
      missing.set(name, {
        message: `\`${executable}\` is not on its PATH`,
        hint: installationHint(provider),
      });
    else if (keys.length > 0 && Object.keys(readVariables(keys)).length === 0)
      missing.set(name, { message: 'it has no key', hint: `set ${keys.join(' or ')} in its environment` });
  }
  return missing;
}

/** Reads the secret values that agents on this machine may receive. */
export function readSecrets(names: readonly ProviderName[] = PROVIDER_NAMES): readonly string[] {
  const secret = names.flatMap((name) =>
    createProvider(name).variables.filter((variable) => variable.secret),
  );
  return Object.values(readVariables(secret.map(({ name }) => name)));
}
