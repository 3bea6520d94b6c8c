import type { Ceilings } from '../../config/ceilings.ts';
import { type Clamp, clampConfig, describeClamp } from '../../config/apply-ceilings.ts';
import type { Config } from '../../config/schema.ts';

/** The options of `choo run` that say more about limits than the configuration. */
export interface LimitOptions {
  readonly parallelism?: number;
  readonly maxTokens?: number;
  readonly maxCost?: number;
}

/** The configuration with what the options say instead, held to the ceilings; `notes`: what they ask for in vain. Pure. */
export function applyLimitOptions(
  config: Config,
  { parallelism, maxTokens, maxCost }: LimitOptions,
  ceilings: Ceilings,
): { readonly config: Config; readonly notes: readonly string[] } {
  const asked: Config = {
    ...config,
    parallelism: parallelism ?? config.parallelism,
    limits: {
      ...config.limits,
      run_tokens: maxTokens ?? config.limits.run_tokens,
      ...(maxCost === undefined ? {} : { run_cost: maxCost }),
    },
  };
  const options: Readonly<Record<string, string>> = {
    parallelism: '--parallelism',
    'limits.run_tokens': '--max-tokens',
    'limits.run_cost': '--max-cost',
  };
  const { config: held, clamps } = clampConfig(asked, ceilings);
  const named = clamps.map((clamp): Clamp => ({ ...clamp, key: options[clamp.key] ?? clamp.key }));
  return { config: held, notes: named.map(describeClamp) };
}
