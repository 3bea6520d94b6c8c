import { viewApp } from './views.ts';
import {
  fullName,
  nodeId,
  type CheckRun,
  type CheckSuite,
  type Json,
  type Repository,
  type World,
} from './world.ts';

/** A check run as the API shows it; its suite is an id. */
export function viewCheckRun(world: World, repository: Repository, run: CheckRun): Json {
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}`;
  const url = `${api}/check-runs/${run.id}`;
  const { title, summary, text } = run.output;
  return {
    id: run.id,
    node_id: nodeId('CR', run.id),
    name: run.name,
    head_sha: run.suite.sha,
    external_id: run.externalId,
    url,
    html_url: `${world.origin}/${fullName(repository)}/runs/${run.id}`,
    details_url: run.detailsUrl,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: {
      title,
      summary,
      text,
      annotations_count: run.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: run.suite.id },
    app: viewAppOf(world, run.suite),
    pull_requests: pullsOf(world, repository, run.suite),
  };
}

export function viewCheckSuite(world: World, repository: Repository, suite: CheckSuite): Json {
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}`;
  const runs = repository.checks.filter((run) => run.suite === suite);
  const done = !suite.rerequested && runs.length > 0 && runs.every(({ status }) => status === 'completed');
  const conclusions = new Set(runs.map(({ conclusion }) => conclusion));
  const worst = WORST_FIRST.find((conclusion) => conclusions.has(conclusion)) ?? 'success';
  const running = !suite.rerequested && runs.some(({ status }) => status !== 'queued');
  const [before] = repository.issues.flatMap(({ pull }) =>
    pull?.head.sha === suite.sha ? [pull.base.sha] : [],
  );
  return {
    id: suite.id,
    node_id: nodeId('CS', suite.id),
    head_branch: suite.branch,
    head_sha: suite.sha,
    status: done ? 'completed' : running ? 'in_progress' : 'queued',
    conclusion: done ? worst : null,
    url: `${api}/check-suites/${suite.id}`,
    before: before ?? null,
    after: suite.sha,
    check_runs_url: `${api}/check-suites/${suite.id}/check-runs`,
    latest_check_runs_count: runs.length,
    pull_requests: pullsOf(world, repository, suite),
    app: viewAppOf(world, suite),
    created_at: suite.createdAt,
    updated_at: suite.createdAt,
    rerequestable: true,
    runs_rerequestable: true,
  };
}

function viewAppOf(world: World, { app }: CheckSuite): Json {
  return { ...viewApp(world), ...app };
}

const WORST_FIRST = ['action_required', 'timed_out', 'cancelled', 'failure', 'stale', 'neutral', 'skipped'];

/** The open pull requests with this head, in the short form of checks; without those of forks. */
function pullsOf(world: World, repository: Repository, { sha }: CheckSuite): Json[] {
  const api = `${world.origin}/api/v3/repos`;
  const brief = ({ id, name }: Repository): Json => ({ id, name, url: `${api}/${fullName(repository)}` });
  return repository.issues.flatMap(({ number, state, pull }) =>
    pull !== undefined && state === 'open' && pull.head.sha === sha && pull.head.repository === repository
      ? [
          {
            id: pull.id,
            number,
            url: `${api}/${fullName(repository)}/pulls/${number}`,
            head: { ref: pull.head.ref, sha, repo: brief(repository) },
            base: { ref: pull.base.ref, sha: pull.base.sha, repo: brief(repository) },
          },
        ]
      : [],
  );
}
