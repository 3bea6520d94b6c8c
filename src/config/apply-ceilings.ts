import type { Problem } from '../problems/problem.ts';
import { type Ceilings, showCeiling } from './ceilings.ts';
import type { LoadedConfig } from './load.ts';
import type { Config } from './schema.ts';

/** A limit of a configuration that exceeds the operator's ceiling. `holds` is the ceiling's value, which applies. */
export interface Clamp {
  /** The key of the configuration, dotted. */
  readonly key: string;
  readonly ceiling: keyof Ceilings;
  readonly asked: number;
  readonly holds: number;
}

/** Clamps each limit of a configuration to its ceiling. Pure. */
export function clampConfig(
  config: Config,
  ceilings: Ceilings,
): { readonly config: Config; readonly clamps: readonly Clamp[] } {
  const clamps: Clamp[] = [];
  const hold = (key: string, asked: number, ceiling: keyof Ceilings): number => {
    const holds = Math.min(asked, ceilings[ceiling]);
    if (holds < asked && Number.isFinite(asked)) clamps.push({ key, ceiling, asked, holds });
    return holds;
  };
  const { limits } = config;
  // Without a `run_cost` the ceiling applies, if there is one.
  const runCost = hold('limits.run_cost', limits.run_cost ?? Number.POSITIVE_INFINITY, 'CHOO_MAX_COST_RUN');
  const held: Config = {
    ...config,
    parallelism: hold('parallelism', config.parallelism, 'CHOO_MAX_PARALLELISM'),
    limits: {
      ...limits,
      attempts: hold('limits.attempts', limits.attempts, 'CHOO_MAX_ATTEMPTS'),
      unit_tokens: hold('limits.unit_tokens', limits.unit_tokens, 'CHOO_MAX_TOKENS_RUN'),
      run_tokens: hold('limits.run_tokens', limits.run_tokens, 'CHOO_MAX_TOKENS_RUN'),
      ...(limits.unit_cost === undefined
        ? {}
        : { unit_cost: hold('limits.unit_cost', limits.unit_cost, 'CHOO_MAX_COST_RUN') }),
      ...(limits.review_cost === undefined
        ? {}
        : { review_cost: hold('limits.review_cost', limits.review_cost, 'CHOO_MAX_COST_RUN') }),
      ...(Number.isFinite(runCost) ? { run_cost: runCost } : {}),
      task_timeout: hold('limits.task_timeout', limits.task_timeout, 'CHOO_MAX_TASK_TIME'),
      idle_timeout: hold('limits.idle_timeout', limits.idle_timeout, 'CHOO_MAX_TASK_TIME'),
      gate_timeout: hold('limits.gate_timeout', limits.gate_timeout, 'CHOO_MAX_GATE_TIME'),
    },
  };
  return { config: held, clamps };
}

const CLAMPED = 'limit-clamped';

/** The message of a clamp: the requested value, and the one that applies. */
export function describeClamp({ key, ceiling, asked, holds }: Clamp): string {
  return `\`${key}\` asks for ${showCeiling(ceiling, asked)}: the operator allows ${showCeiling(ceiling, holds)}`;
}

/** Whether a problem is the notice of a clamp. */
export function isClamp({ code }: Pick<Problem, 'code'>): boolean {
  return code === CLAMPED;
}

/** The effective configuration, with a notice for each limit that was clamped. Pure. */
export function applyCeilings(loaded: LoadedConfig, ceilings: Ceilings): LoadedConfig {
  const { file, limitsAt = {} } = loaded;
  if (loaded.config === undefined) return loaded;
  const { config, clamps } = clampConfig(loaded.config, ceilings);
  const notices = clamps.flatMap((clamp): Problem[] => {
    const at = limitsAt[clamp.key];
    if (at === undefined || file === undefined) return [];
    const hint = `the operator's ceiling applies: ${clamp.ceiling}`;
    const what = { severity: 'notice', code: CLAMPED, message: describeClamp(clamp), hint } as const;
    return [{ ...what, file, ...at, field: clamp.key }];
  });
  return { ...loaded, config, problems: [...loaded.problems, ...notices] };
}
