import type { RunState } from '../../events/state.ts';
import { graphOf } from '../../scheduler/graph.ts';
import { cancelEvents, type Decision, retryEvents, skipEvents } from '../../scheduler/run-control.ts';
import type { RunRequest } from '../../store/journal/run-requests.ts';

/** Decides which events a request appends to a run, or why it is refused. Pure. */
export function decideRequest(request: RunRequest, { start, status, units }: RunState): Decision {
  const view = {
    run: start.run,
    status,
    graph: graphOf(start),
    units: new Map([...units].map(([id, { state }]) => [id, state])),
  };
  switch (request.kind) {
    case 'cancel':
      return cancelEvents(view, request);
    case 'skip':
      return skipEvents(view, request);
    case 'retry':
      return retryEvents(view, request);
    default:
      return request.kind satisfies never;
  }
}
