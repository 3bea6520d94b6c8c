import manifest from '../../package.json' with { type: 'json' };
import type { ServerFigures } from '../store/database/server-figures.ts';
import type { Metric } from '../web/metrics.ts';

/** States that alerts compare, also where no unit is in one. */
const NO_UNITS = { waiting: 0, queued: 0, running: 0 };

/** The figures of a server as metrics: few labels, never a unit, a run or a repository. */
export function metricsOf(figures: ServerFigures): readonly Metric[] {
  return [
    { name: 'choo_build_info', help: 'The version of choo.', values: [[{ version: manifest.version }, 1]] },
    byLabel('choo_units', 'Units of runs that have not ended, by state.', 'state', {
      ...NO_UNITS,
      ...figures.units,
    }),
    byLabel('choo_runs', 'Runs that are stored, by status.', 'status', figures.runs),
    one('choo_deliveries_waiting', 'Deliveries that have not been handled.', figures.deliveriesWaiting),
    one('choo_deliveries_given_up', 'Deliveries that failed eight times.', figures.deliveriesGivenUp),
    one('choo_delivery_oldest_seconds', 'Age of the oldest delivery that waits.', figures.deliveryAgeSeconds),
    one('choo_reports_behind', 'Runs whose comment on GitHub lags behind.', figures.reportsBehind),
    one('choo_workers_alive', 'Workers with a heartbeat in the last ten seconds.', figures.workersAlive),
    one('choo_workers', 'Workers that have not been found dead.', figures.workers),
    one('choo_day_tokens', 'Tokens used since midnight UTC.', figures.dayTokens),
    one('choo_day_cost_dollars', 'US dollars spent since midnight UTC.', figures.dayDollars),
  ];
}

function one(name: string, help: string, value: number): Metric {
  return { name, help, values: [[{}, value]] };
}

function byLabel(
  name: string,
  help: string,
  label: string,
  counts: Readonly<Record<string, number>>,
): Metric {
  return { name, help, values: Object.entries(counts).map(([key, value]) => [{ [label]: key }, value]) };
}
