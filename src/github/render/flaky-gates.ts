import type { RunEvent } from '../../events/event.ts';
import { describeFlaky } from '../../events/flaky-gate.ts';
import { fenced } from './markdown.ts';
import { words } from './words.ts';

/** Gates that are shown. */
const MAX_GATES = 5;
/** The end of each output that is shown. Characters. */
const TAIL = 3_000;

/** What gates and checks printed that were red and green on the same files; empty: none was. `events`: those of the unit. */
export function flakyGates(events: readonly RunEvent[]): string {
  const flaky = events.filter((event) => event.type === 'gate.flaky').slice(0, MAX_GATES);
  if (flaky.length === 0) return '';
  const parts = flaky.map((event) => {
    const what = words(describeFlaky(event), 200);
    return [
      `**Flaky: ${what}.** Red (${words(event.red.ending, 100)}):`,
      fenced(event.red.tail.slice(-TAIL)),
      'Green:',
      fenced(event.green.tail.slice(-TAIL)),
    ].join('\n\n');
  });
  return ['### Flaky gates', ...parts].join('\n\n');
}
