import type { UnitRecord } from '../../events/store.ts';
import { newRunId } from '../../orchestrator/run-start.ts';
import { submitUpdate } from '../../orchestrator/server/submit-update.ts';
import {
  assignRun,
  changeContent,
  countRounds,
  listOpenRounds,
  moveRound,
  type Round,
  type RoundOutcome,
} from '../../store/github/review-rounds.ts';
import type { ReportContext } from '../pulls/report-context.ts';
import { answer, type Answer, sentences } from '../repository/answers.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import { answerRound, findEnd } from './answer-round.ts';
import { onlyFailing } from './failing-command.ts';

/** When a round is looked at again whose unit is busy. Milliseconds. */
const BUSY_MS = 5_000;

type Services = Pick<HandlerServices, 'database' | 'runStore' | 'redact'>;

/**
 * Moves the rounds of review of a run's units on: answers the ones whose agents have ended, and starts the next of each unit.
 * Returns when to look again, if a unit is busy.
 */
export async function publishRounds(context: ReportContext, services: Services): Promise<Date | undefined> {
  const { repository, state, records } = context;
  const open = await listOpenRounds(services.database, repository.known.id, state.target);
  const own = open.filter(({ unit }) => records.get(unit)?.run === state.start.run);
  let again: Date | undefined;
  for (const rounds of Map.groupBy(own, ({ unit }) => unit).values())
    if (await moveOn(rounds, context, services)) again = new Date(Date.now() + BUSY_MS);
  return again;
}

/** Moves the rounds of one unit on. Returns whether the unit is busy. */
async function moveOn(
  rounds: readonly Round[],
  context: ReportContext,
  services: Services,
): Promise<boolean> {
  const { database } = services;
  for (const round of rounds) {
    const pull = context.pulls.get(round.unit);
    if (round.state === 'started') {
      const end = await findEnd(round, database);
      if (end === undefined) return false; // its end brings this back here
      await answerRound(round, end, context, services);
    } else if (pull?.number !== round.pull || pull.state !== 'open') {
      await end(round, 'closed', services);
    } else if (round.state === 'waiting') {
      const started = await start(round, rounds, context, services);
      if (started !== 'next') return started === 'busy';
    }
  }
  return false;
}

/**
 * Starts a round that waits, with the head that is there now. `next`: it does not start by itself, and the next one may.
 * `waits`: until its branch was brought up to date or verified, which brings this back here.
 */
async function start(
  round: Round,
  rounds: readonly Round[],
  context: ReportContext,
  services: Services,
): Promise<'started' | 'waits' | 'busy' | 'next'> {
  const { database } = services;
  const { repository, state, records, config, stack } = context;
  const { id, unit } = round;
  const [progress, record] = [state.units.get(unit), records.get(unit)];
  if (progress === undefined || record === undefined) return 'waits';
  if (round.run === null) {
    if (progress.state !== 'complete') {
      if (progress.state === 'running' || progress.state === 'pending') return 'waits';
      const text = sentences(
        `The review waits, because \`${unit}\` is not complete`,
        `Comment \`/choo retry ${unit}\` to go on, or \`/choo retry ${unit} --fresh\` to start over with the review`,
      );
      return postpone(round, text, context, services);
    }
    const before = await countRounds(database, repository.known.id, round.pull);
    const most = config.limits.review_rounds;
    if (round.kind === 'review' && before.byThemselves >= most) {
      const text = sentences(
        `This review starts nothing by itself, because ${most === 1 ? 'a review has' : `${most} reviews have`} done so on this pull request`,
        'Comment `/choo fix` to have an agent work on it',
      );
      return postpone(round, most === 0 ? undefined : text, context, services);
    }
    if (round.byBot && before.all > 0) {
      const content = onlyFailing(round.content);
      if (content === undefined) {
        await end(round, 'nothing', services);
        return 'next';
      }
      await changeContent(database, id, content);
    }
    if (round.kind === 'fix') await takePostponed(round, rounds, services);
  }
  const found = await stack();
  const position = await found?.place(progress, record);
  if (position?.head === undefined || position.next.kind !== 'none') return 'waits';
  const run = await assignRun(database, id, newRunId());
  const submitted = await submit(round, { run, head: position.head, record }, context, services);
  if (submitted === 'busy') return 'busy';
  if (submitted === 'gone') {
    const text = sentences(
      `The review starts nothing, because the run that made \`${unit}\` is not stored any more`,
    );
    return postpone(round, text, context, services);
  }
  await moveRound(database, id, { state: 'started' });
  return 'started';
}

async function submit(
  { id, target, unit }: Round,
  { run, head, record }: { readonly run: string; readonly head: string; readonly record: UnitRecord },
  { repository, config }: ReportContext,
  services: Services,
): Promise<'run' | 'busy' | 'gone'> {
  const work = { kind: 'review', round: id } as const;
  const request = { repository: repository.known.id, target, unit, run: record.run, head, onto: null, work };
  const submitted = await submitUpdate({ ...request, as: run, cost: config.limits.review_cost }, services);
  return submitted.kind;
}

/** What reviews asked for that started nothing by themselves is asked for by the next command. */
async function takePostponed(round: Round, rounds: readonly Round[], services: Services): Promise<void> {
  const postponed = rounds.filter(({ state, pull }) => state === 'postponed' && pull === round.pull);
  if (postponed.length === 0) return;
  const known = new Set(round.content.threads.map(({ id }) => id));
  const words = [...postponed, round].flatMap(({ content }) => content.words ?? []);
  const more = postponed.flatMap(({ content }) => content.threads).filter(({ id }) => !known.has(id));
  await changeContent(services.database, round.id, {
    ...round.content,
    words: words.length === 0 ? null : words.join('\n\n'),
    threads: [...round.content.threads, ...more],
  });
  for (const each of postponed) await end(each, 'taken', services);
}

/** Leaves a round for the next command. `text`: why, for who asked. */
async function postpone(
  round: Round,
  text: Answer | undefined,
  { repository }: ReportContext,
  services: Services,
): Promise<'next'> {
  if (text !== undefined)
    await answer(repository, { thread: round.pull, key: `postponed:${round.id}`, text }, services);
  await moveRound(services.database, round.id, { state: 'postponed' });
  return 'next';
}

async function end({ id }: Round, outcome: RoundOutcome, { database }: Services): Promise<void> {
  await moveRound(database, id, { state: 'ended', outcome });
}
