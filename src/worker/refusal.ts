import { type Ceilings, showCeiling } from '../config/ceilings.ts';
import type { Refusal } from './agent/budget.ts';
import type { UnitEnd } from './unit-job.ts';

/**
 * The end of a unit without a budget: it fails when its own budget or the run's is used up, and waits for the next day when a
 * daily one is.
 */
export function endOfRefusal({
  refused,
  what,
  limit,
  until,
}: Refusal): Exclude<UnitEnd, { kind: 'complete' }> {
  if (until === null) {
    const amount = what === 'tokens' ? `${limit} tokens` : `${limit} US dollars`;
    const option = refused === 'run' ? ` or \`--max-${what}\`` : '';
    return {
      kind: 'failed',
      failure: 'budget',
      message: `the budget of the ${refused} is used up (${amount})`,
      hint: `raise \`limits.${refused}_${what}\`${option} and run again; the operator's ceiling may be lower`,
    };
  }
  const ceiling: keyof Ceilings = `CHOO_MAX_${what === 'tokens' ? 'TOKENS' : 'COST'}_${refused === 'server' ? 'DAY' : 'INSTALLATION_DAY'}`;
  const amount = showCeiling(ceiling, limit) + (what === 'tokens' ? ' tokens' : '');
  const whose = refused === 'server' ? 'of this server' : 'of this installation';
  const when = new Date(until).toISOString().slice(0, 16).replace('T', ' ');
  return {
    kind: 'released',
    reason: `the budget ${whose} for today, ${amount} (${ceiling}), is used up; it goes on at ${when} UTC`,
    until,
    ofBudget: true,
  };
}
