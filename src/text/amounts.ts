/** `5s`, `1m 05s`, `2h 03m`, `1d 02h`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${two(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${two(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** `950`, `12.3k`, `1.2M`. */
export function formatTokens(tokens: number): string {
  if (tokens < 1000) return String(tokens);
  if (tokens < 999_950) return `${(tokens / 1000).toFixed(1)}k`;
  return `${(tokens / 1_000_000).toFixed(1)}M`;
}

/** Dollars with their cost basis; `unknownCost`: more was used, at an unknown price. */
interface Cost {
  readonly cost: number;
  readonly unknownCost: boolean;
  readonly basis?: 'told' | 'computed' | 'reserved' | undefined;
}

/**
 * `$0.42`; `~$0.42` when a part was not reported by a CLI; `$1.20+` when the cost of a part is unknown; `$?`, never zero,
 * when nothing is known.
 */
export function formatCost({ cost, unknownCost, basis = 'told' }: Cost): string {
  if (unknownCost && cost === 0) return '$?';
  return `${basis === 'told' ? '' : '~'}${formatDollars(cost)}${unknownCost ? '+' : ''}`;
}

/** The long form, where there is room: `cost unknown`, `$0.42 by list prices`. */
export function describeCost({ cost, unknownCost, basis = 'told' }: Cost): string {
  if (unknownCost && cost === 0) return 'cost unknown';
  const how = { told: '', computed: ' by list prices', reserved: ', some of it only set aside' }[basis];
  return `${formatDollars(cost)}${how}${unknownCost ? ' and more that is unknown' : ''}`;
}

function formatDollars(cost: number): string {
  return cost > 0 && cost < 0.005 ? '<$0.01' : `$${cost.toFixed(2)}`;
}
