import { viewCheckRun, viewCheckSuite } from '../check-views.ts';
import { commitOf } from '../git.ts';
import { notFound, Refusal } from '../refusal.ts';
import {
  created,
  ok,
  page,
  repositoryRoute,
  text,
  type Call,
  type Reply,
  type RepositoryCall,
  type Route,
} from '../router.ts';
import type { CheckRun, CheckSuite, Json, World, Repository } from '../world.ts';
import { applyCheck, suiteFor } from './check-writing.ts';

const NEEDS = { permission: 'checks' };

/** Check runs and suites, which only an app can create. */
export const CHECK_ROUTES: readonly Route[] = [
  repositoryRoute('POST /check-runs', NEEDS, async (call) => {
    const { world, repository, body } = demandApp(call);
    const name = text(body, 'name', 'CheckRun');
    const sha = await commitOf(repository.bare, text(body, 'head_sha', 'CheckRun'));
    if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${String(body['head_sha'])}`);
    const run = createRun(call, name, await suiteFor(world, repository, sha));
    return created(viewCheckRun(world, repository, run));
  }),
  repositoryRoute('PATCH /check-runs/:id', NEEDS, (call) => {
    const { world, repository, body } = demandApp(call);
    const run = runOf(call);
    // An App changes its own checks only.
    if (run.suite.app !== undefined)
      throw new Refusal(
        403,
        'Invalid app_id `' +
          `${world.app.id}` +
          '` - check run can only be modified by the GitHub App that created it.',
      );
    const before = run.status;
    applyCheck(run, body);
    if (run.status === 'completed' && before !== 'completed') raiseRun(call, run, 'completed');
    return ok(viewCheckRun(world, repository, run));
  }),
  repositoryRoute('GET /check-runs/:id', NEEDS, (call) =>
    ok(viewCheckRun(call.world, call.repository, runOf(call))),
  ),
  repositoryRoute('GET /check-runs/:id/annotations', NEEDS, (call) =>
    page(call, runOf(call).annotations, (annotation) => annotation),
  ),
  repositoryRoute('POST /check-runs/:id/rerequest', NEEDS, (call) => {
    const run = runOf(call);
    run.suite.rerequested = true;
    raiseRun(call, run, 'rerequested');
    return created({});
  }),
  repositoryRoute('GET /commits/:ref*/check-runs', NEEDS, async (call) => {
    const sha = await commitOf(call.repository.bare, call.params['ref'] ?? '');
    if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${call.params['ref']}`);
    return listRuns(call, (run) => run.suite.sha === sha);
  }),
  repositoryRoute('GET /commits/:ref*/check-suites', NEEDS, async (call) => {
    const sha = await commitOf(call.repository.bare, call.params['ref'] ?? '');
    const suites = call.repository.suites.filter((suite) => isOfApp(call, suite) && suite.sha === sha);
    return page(
      call,
      suites,
      (suite) => viewCheckSuite(call.world, call.repository, suite),
      (check_suites) => ({ total_count: suites.length, check_suites }),
    );
  }),
  repositoryRoute('POST /check-suites', NEEDS, async (call) => {
    const { world, repository, body } = demandApp(call);
    const sha = await commitOf(repository.bare, text(body, 'head_sha', 'CheckSuite'));
    if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${String(body['head_sha'])}`);
    return created(viewCheckSuite(world, repository, await suiteFor(world, repository, sha)));
  }),
  repositoryRoute('GET /check-suites/:id', NEEDS, (call) =>
    ok(viewCheckSuite(call.world, call.repository, suiteOf(call))),
  ),
  repositoryRoute('GET /check-suites/:id/check-runs', NEEDS, (call) => {
    const suite = suiteOf(call);
    return listRuns(call, (run) => run.suite === suite);
  }),
  repositoryRoute('POST /check-suites/:id/rerequest', NEEDS, (call) => {
    const { world, repository, actor } = call;
    const suite = suiteOf(call);
    suite.rerequested = true;
    const payload = { check_suite: viewCheckSuite(world, repository, suite) };
    world.raise({ event: 'check_suite', action: 'rerequested', sender: actor.user, repository, payload });
    return created({});
  }),
];

/** Creates a check run in a suite. Throws a Refusal for content that GitHub refuses. */
export function createRun(
  {
    world,
    repository,
    actor,
    body,
  }: { world: World; repository: Repository; actor: Call['actor']; body: Json },
  name: string,
  suite: CheckSuite,
): CheckRun {
  const run: CheckRun = {
    id: world.nextId(),
    suite,
    annotations: [],
    name,
    status: 'queued',
    conclusion: null,
    externalId: '',
    detailsUrl: world.origin,
    startedAt: null,
    completedAt: null,
    output: { title: null, summary: null, text: null },
    actions: [],
  };
  applyCheck(run, body);
  repository.checks.push(run);
  raiseRun({ world, repository, actor }, run, 'created');
  if (run.status === 'completed') raiseRun({ world, repository, actor }, run, 'completed');
  return run;
}

/** Raises an event of a check run. */
export function raiseRun(
  { world, repository, actor }: { world: World; repository: Repository; actor: Call['actor'] },
  run: CheckRun,
  action: string,
  extra: Json = {},
): void {
  const view = viewCheckRun(world, repository, run);
  const suite = viewCheckSuite(world, repository, run.suite);
  world.raise({
    event: 'check_run',
    action,
    sender: actor.user,
    repository,
    payload: { check_run: { ...view, check_suite: suite }, ...extra },
  });
}

function listRuns(call: RepositoryCall, matches: (run: CheckRun) => boolean): Reply {
  const { world, repository, query } = call;
  const found = repository.checks
    .filter((run) => isOfApp(call, run.suite) && matches(run))
    .filter(({ name }) => name === (query['check_name'] ?? name))
    .filter(({ status }) => status === (query['status'] ?? status))
    .toReversed();
  const newest = new Map(found.toReversed().map((run) => [`${run.suite.id} ${run.name}`, run]));
  const runs = query['filter'] === 'all' ? found : found.filter((run) => [...newest.values()].includes(run));
  return page(
    call,
    runs,
    (run) => viewCheckRun(world, repository, run),
    (check_runs) => ({ total_count: runs.length, check_runs }),
  );
}

/** Whether a suite is of the App that the query names, if it names one. */
function isOfApp({ query, world }: Call, { app }: CheckSuite): boolean {
  const id = `${app?.id ?? world.app.id}`;
  return (query['app_id'] ?? id) === id;
}

function demandApp(call: RepositoryCall): RepositoryCall {
  if (call.actor.kind === 'installation') return call;
  throw new Refusal(403, 'You must authenticate via a GitHub App.');
}

function runOf({ repository, params }: RepositoryCall): CheckRun {
  const run = repository.checks.find(({ id }) => id === Number(params['id']));
  if (run === undefined) throw notFound();
  return run;
}

function suiteOf({ repository, params }: RepositoryCall): CheckSuite {
  const suite = repository.suites.find(({ id }) => id === Number(params['id']));
  if (suite === undefined) throw notFound();
  return suite;
}
