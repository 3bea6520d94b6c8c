import type { Config } from '../config/schema.ts';
import type { Unit } from '../discovery/unit.ts';
import type { RunEvent } from '../events/event.ts';
import type { RunState } from '../events/state.ts';
import type { UnitProgress } from '../events/unit-progress.ts';
import { unitBranch } from '../git/branches.ts';
import { marker } from '../github/marker.ts';
import type { Check } from '../github/checks.ts';
import { hashOf } from '../github/pr-client.ts';
import { renderUnitCheck } from '../github/unit-check.ts';
import { renderUnitPull } from '../github/unit-pull.ts';
import { unitExternalId } from '../handlers/check.ts';
import type { OpenRepository } from '../handlers/services.ts';
import type { Database } from '../store/database.ts';
import { readUnitEvents } from '../store/server-runs.ts';
import type { UnitRecord } from '../store/store.ts';
import { noteUnitPull, type UnitPull } from '../store/unit-pulls.ts';
import { placeInStack } from './stack.ts';

/** What is known about a run while its units are told. */
export interface Telling {
  readonly repository: OpenRepository;
  readonly state: RunState;
  readonly config: Config;
  readonly units: ReadonlyMap<string, Unit>;
  /** The newest pull request of each unit; takes in what is made. */
  readonly pulls: Map<string, UnitPull>;
  /** What is known of each unit, whatever the run. */
  readonly records: ReadonlyMap<string, UnitRecord>;
  /** The branch that pull requests go to. */
  readonly base: string;
  /** Where the run is told about. */
  readonly page: string;
  readonly database: Database;
  readonly redact: (text: string) => string;
}

/** Tells what became of one unit: its checks and, once there is something to look at, its pull request. */
export async function tellUnit(unit: UnitProgress, telling: Telling): Promise<void> {
  const hasEnded = unit.state === 'complete' || unit.state === 'failed' || unit.state === 'cancelled';
  const isBack = unit.state === 'pending' && unit.givenBack !== null && unit.startedAt !== null;
  // What waits for its first start, is blocked or was left out has nothing of its own to show.
  if (
    unit.state !== 'running' &&
    !isBack &&
    !(hasEnded && (unit.startedAt !== null || unit.state !== 'cancelled'))
  )
    return;
  const events = hasEnded
    ? await readUnitEvents(telling.database, { run: telling.state.start.run, unit: unit.plan.id })
    : [];
  if (wantsPull(unit, telling)) await tellPull(unit, events, telling);
  await tellChecks(unit, events, telling);
}

/**
 * Only the run that worked on a unit last speaks for its branch. What a person decided about a pull request, or did on its
 * branch, is theirs: only work that was finished after that makes a new one.
 */
function wantsPull(unit: UnitProgress, telling: Telling): boolean {
  const { state, head, failure } = unit;
  const before = telling.pulls.get(unit.plan.id)?.state;
  if (head === null || !speaksFor(unit, telling) || telling.records.get(unit.plan.id)?.outcome !== undefined)
    return false;
  if (state === 'complete') return before !== 'merged';
  if (state !== 'failed' || before === 'merged' || before === 'closed') return false;
  return before === 'open' ? failure !== 'needs-human' : telling.config.draft_on_failure;
}

function speaksFor({ plan }: UnitProgress, { records, state }: Telling): boolean {
  return records.get(plan.id)?.run === state.start.run;
}

async function tellPull(unit: UnitProgress, events: readonly RunEvent[], telling: Telling): Promise<void> {
  const { repository, state, pulls, database } = telling;
  const { id } = unit.plan;
  const { run, target } = state.start;
  const { base, needs } = placeInStack(unit, state, pulls, telling.base);
  const draft = needs.length > 0 || unit.state === 'failed';
  const specs = telling.units.get(id);
  if (specs === undefined) return;
  const mark = marker('unit', `${target} ${id}`);
  const rendered = renderUnitPull({
    unit: specs,
    progress: unit,
    events,
    run: { id: run, url: telling.page },
    sandbox: state.start.sandbox,
    dependsOn: unit.plan.dependsOn.map((dependency) => {
      const pull = pulls.get(dependency);
      return { unit: dependency, pull: pull && { number: pull.number, merged: pull.state === 'merged' } };
    }),
    needs,
    marker: mark,
  });
  const [title, body] = [telling.redact(rendered.title), telling.redact(rendered.body)];
  const hash = hashOf([title, body]);
  const before = pulls.get(id);
  const remember = async (pull: UnitPull): Promise<void> => {
    pulls.set(id, pull);
    await noteUnitPull(database, repository.known.id, state.target, pull);
  };
  if (before?.state === 'open') {
    const change = {
      ...(before.hash === hash ? {} : { title, body }),
      ...(before.base === base ? {} : { base }),
    };
    if (Object.keys(change).length > 0) await repository.pr.changePull(before.number, change);
    // A person may have changed it since: it is only moved when there is a reason to.
    if (before.draft !== draft) await repository.pr.setDraft(before.nodeId, draft);
    await remember({ ...before, base, draft, hash });
    return;
  }
  const head = unit.branch ?? unitBranch(target, id);
  const opened = await repository.pr.openPull({ head, base, title, body, draft }, true);
  if (opened.kind === 'empty') return; // all of it is in the base already
  if (opened.kind === 'refused') throw new Error(`GitHub takes no pull request of ${id}: ${opened.reason}`);
  const { number, nodeId } = opened.pull;
  const written = opened.created ? hash : '';
  await remember({ unit: id, number, nodeId, state: 'open', base: opened.pull.base, draft, hash: written });
  if (!opened.created) await tellPull(unit, events, telling);
}

async function tellChecks(unit: UnitProgress, events: readonly RunEvent[], telling: Telling): Promise<void> {
  const { repository, state, pulls, redact } = telling;
  const { id } = unit.plan;
  const { target, commit } = state.start;
  const pull = pulls.get(id);
  const { title, summary, text, conclusion, actions } = renderUnitCheck({
    progress: unit,
    events,
    pullUrl: pull === undefined ? null : `${repository.url}/pull/${pull.number}`,
  });
  const check: Omit<Check, 'sha'> = {
    name: `choo / ${id}`,
    externalId: unitExternalId(target, id),
    conclusion,
    title: redact(title),
    summary: redact(summary),
    ...(text === undefined ? {} : { text: redact(text) }),
    actions,
  };
  await repository.checks.upsert(unitCheckKey(commit, target, id), { ...check, sha: commit });
  const isOwn = unit.head !== null && unit.head !== commit && speaksFor(unit, telling);
  if (conclusion !== null && isOwn)
    await repository.checks.upsert(unitCheckKey(unit.head, target, id), { ...check, sha: unit.head });
}

/** What the check of a unit on a commit is remembered by. */
function unitCheckKey(commit: string, target: string, unit: string): string {
  return `check:${commit}:${unitExternalId(target, unit)}`;
}
