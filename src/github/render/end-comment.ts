import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { code, fit, listed } from './markdown.ts';
import { failedUnits, failureLine, pullOf, type UnitLinks, verdictOf } from './run-words.ts';

/** Failures that are named; the status comment has all. */
const MAX_FAILURES = 10;
/** Other units that are named. */
const MAX_NAMED = 20;

/** One short new comment when a run is over: what failed, with its command, and what came of the rest. Pure. */
export function renderEndComment({
  state,
  links,
  page,
  marker,
}: {
  readonly state: RunState;
  readonly links: UnitLinks;
  /** The address of the status comment. */
  readonly page: string;
  readonly marker: string;
}): string {
  const failed = failedUnits(state);
  const more = failed.length - MAX_FAILURES;
  const failures = [
    ...failed.slice(0, MAX_FAILURES).map((unit) => withCommand(failureLine(unit, links), unit.plan.id)),
    ...(more > 0 ? [`- … and ${more} more, in the [status comment](${page})`] : []),
  ];
  return fit(
    [
      { text: `${mentionOf(state)}**${verdictOf(state, null)}**`, rank: 0, name: 'the verdict' },
      { text: failures.join('\n'), rank: 1, name: 'what failed' },
      { text: restOf(state, links), rank: 2, name: 'the other units' },
      {
        text: failed.length > 1 ? `${code('/choo retry')} retries all of them, and what they block.` : '',
        rank: 0,
        name: 'commands',
      },
    ],
    marker,
  );
}

/** Many reasons name a command themselves. */
function withCommand(line: string, unit: string): string {
  return line.includes('`/choo ') ? line : `${line} · ${code(`/choo retry ${unit}`)}`;
}

/** GitHub's rule for the name of a user; an App's has brackets. */
const LOGIN = /^[a-z\d](?:[a-z\d]|-(?=[a-z\d])){0,38}$/i;

/** Calls the actor of a run in which something failed: nothing goes on by itself. */
function mentionOf({ status, start: { actor } }: RunState): string {
  return status === 'failed' && actor !== null && LOGIN.test(actor) ? `@${actor} ` : '';
}

function restOf({ units }: RunState, links: UnitLinks): string {
  const named = (sign: string, which: (unit: UnitProgress) => boolean): readonly string[] => {
    const ids = [...units.values()].filter(which).map(({ plan: { id }, doneIn }) => {
      const pull = pullOf(id, links);
      const notes = [...(doneIn === null ? [] : [`in run ${code(doneIn)}`]), ...(pull === '' ? [] : [pull])];
      return notes.length === 0 ? code(id) : `${code(id)} (${notes.join(', ')})`;
    });
    return ids.length === 0 ? [] : [`- ${sign}: ${listed(ids, MAX_NAMED)}`];
  };
  return [
    ...named('🚧 blocked', ({ state }) => state === 'blocked'),
    ...named('✅ complete', ({ state, doneIn }) => state === 'complete' && doneIn === null),
    ...named('✅ done before', ({ state, doneIn }) => state === 'complete' && doneIn !== null),
  ].join('\n');
}
