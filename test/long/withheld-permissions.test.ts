import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quiet } from '../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, type State } from '../helpers/app-world.ts';
import { partOf } from '../helpers/long-part.ts';
import { ALL_PERMISSIONS } from '../helpers/permissions.ts';
import { projectFiles } from '../helpers/spec-project.ts';

/** What there is in the end, beside the branches and comments of people. */
interface Outcome {
  /** The branches of units. */
  readonly branches: number;
  /** The pull requests of units; the first is merged by squash when there is one. */
  readonly pulls: readonly string[];
  readonly unitChecks: boolean;
  /** On the head of the pull request with more specs. */
  readonly planCheck: boolean;
  readonly planComment: boolean;
  readonly statusComment: boolean;
  /** How it is said that the configuration on the default branch is broken. */
  readonly broken: readonly ('check' | 'issue')[];
  /** The texts that name the permission, each once: of which kind, on which thread. */
  readonly named: readonly string[];
  /** What was asked of GitHub in vain. */
  readonly refused: readonly string[];
}

const WHOLE: Outcome = {
  branches: 1,
  pulls: ['closed', 'open'],
  unitChecks: true,
  planCheck: true,
  planComment: true,
  statusComment: true,
  broken: ['check', 'issue'],
  named: [],
  refused: [],
};
const WITHOUT_CHECKS = {
  unitChecks: false,
  planCheck: false,
  broken: ['issue'],
  named: ['plan on the pull request', 'run on the issue'],
} as const;
const WITHOUT_PULLS = { branches: 2, pulls: [] } as const;
const WITHOUT_ISSUES = { broken: ['check'], named: ['check'] } as const;
const WITHOUT_CONTENTS = { branches: 0, pulls: [], unitChecks: false, statusComment: false } as const;

interface Row {
  readonly title: string;
  readonly permission: keyof typeof ALL_PERMISSIONS;
  /** What is granted of it. */
  readonly level?: 'read';
  readonly outcome: Partial<Outcome>;
}

const ROWS: readonly Row[] = [
  { title: 'checks at all', permission: 'checks', outcome: WITHOUT_CHECKS },
  { title: 'writing of checks', permission: 'checks', level: 'read', outcome: WITHOUT_CHECKS },
  {
    title: 'pull requests at all', // no event tells of one, but a comment on it does
    permission: 'pull_requests',
    outcome: {
      ...WITHOUT_PULLS,
      planComment: false,
      named: ['answer on the pull request', 'run on the issue'],
      refused: ['GET pulls/1', 'GET pulls/1'], // again with a new token: it might be older than what is granted
    },
  },
  {
    title: 'writing of pull requests',
    permission: 'pull_requests',
    level: 'read',
    outcome: { ...WITHOUT_PULLS, named: ['run on the issue'] },
  },
  { title: 'issues at all', permission: 'issues', outcome: WITHOUT_ISSUES },
  { title: 'writing of issues', permission: 'issues', level: 'read', outcome: WITHOUT_ISSUES },
  {
    title: 'writing of contents',
    permission: 'contents',
    level: 'read',
    outcome: { ...WITHOUT_CONTENTS, named: ['answer on the issue'] },
  },
  {
    title: 'contents at all', // no event tells of a push
    permission: 'contents',
    outcome: {
      ...WITHOUT_CONTENTS,
      planCheck: false,
      planComment: false,
      broken: [],
      named: ['answer on the issue', 'answer on the pull request'],
    },
  },
];

/** What is written once the owner has granted it: nothing that was refused is lost. */
const AFTERWARDS: Readonly<Partial<Record<Row['permission'], (state: State) => unknown>>> = {
  checks: ({ checks }) => checks.some(({ name }) => name === 'choo / a'),
  pull_requests: ({ pulls }) => pulls.some(({ head }) => head.ref === 'choo/unit/main/b'),
};

const rows = partOf(ROWS, 3).map((row) => ({ ...row, repo: `no-${row.title.replaceAll(' ', '-')}/widgets` }));

const task = (unit: string) => ({ gate: `test -f ${unit}.txt`, sh: `echo > ${unit}.txt` });
const FILES = projectFiles({
  units: { a: { tasks: [task('a')] }, b: { dependsOn: ['a'], tasks: [task('b')] } },
});
const { '.choo.yml': _, ...MORE } = projectFiles({ units: { c: { tasks: [task('c')] } } });

const stack = new AsyncDisposableStack();
let world: AppWorld;
beforeAll(async () => {
  world = stack.use(
    await makeAppWorld(
      { units: {} },
      {
        others: rows.map(({ repo }) => ({
          owner: repo.slice(0, repo.indexOf('/')),
          name: 'widgets',
          files: FILES,
          collaborators: { alice: 'write' },
        })),
      },
    ),
  );
  for (const { repo, permission, level } of rows) grant(repo, withoutIt(permission, level));
  await world.start();
});
afterAll(async () => stack.disposeAsync());

function grant(repo: string, permissions: Readonly<Record<string, 'read' | 'write'>>): void {
  world.github.accept(world.github.installationOf(repo) ?? 0, permissions);
}

function withoutIt(permission: Row['permission'], level: Row['level']): Record<string, 'read' | 'write'> {
  const { [permission]: _gone, ...rest } = ALL_PERMISSIONS;
  return level === undefined ? rest : { ...rest, [permission]: level };
}

/** The texts of choo's that name a permission: of which kind, and where. A text that names it twice is there twice. */
function namesOf({ comments, checks }: State, permission: string, pull: number): readonly string[] {
  const texts = [
    ...comments.map(({ issue, body }) => ({
      where: `${/<!-- choo:(\w+)/.exec(body)?.[1] ?? 'comment'} on the ${issue === pull ? 'pull request' : 'issue'}`,
      body,
    })),
    ...checks.map(({ output }) => ({
      where: 'check',
      body: `${output.title} ${output.summary} ${output.text ?? ''}`,
    })),
  ];
  const pattern = new RegExp(`${permission}=(?:read|write)`, 'g');
  return texts
    .flatMap(({ where, body }) => (body.replaceAll('\\', '').match(pattern) ?? []).map(() => where))
    .toSorted();
}

describe.each(rows)('an installation that withholds $title', ({ repo, permission, outcome }) => {
  test('has the rest done, names it once, and asks for nothing again and again', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const head = await world.push('alice', 'specs', MORE, { repo });
    const pull = await alice.openPull(repo, { head: 'specs', base: 'main', title: 'More' });
    await alice.comment(repo, pull, '/choo plan');
    const issue = await alice.createIssue(repo, { title: 'Build it' });
    await alice.comment(repo, issue, '/choo run');
    await quiet(world);
    const bottom = (await github.state(repo)).pulls.find(({ head: { ref } }) => ref === 'choo/unit/main/a');
    if (bottom !== undefined) await alice.merge(repo, bottom.number, 'squash');
    await quiet(world);
    const broken = await world.push('alice', 'main', { '.choo.yml': 'provider: [\n' }, { repo });
    await quiet(world);

    const state = await github.state(repo);
    const own = (name: string): boolean => name.includes(`/${repo}/`) || name.includes(`/${repo}.git/`);
    const told = github.requests.filter(({ path, token }) => token === 'installation' && own(path));
    const unitPulls = state.pulls.filter(({ head: { ref } }) => ref.startsWith('choo/unit/'));
    const checkOn = (commit: string, name: string): boolean =>
      state.checks.some((check) => check.name === name && check.head_sha === commit);
    const has = (kind: string): boolean =>
      state.comments.some(({ body }) => body.includes(`<!-- choo:${kind}`));
    const found: Outcome = {
      branches: Object.keys(state.refs).filter((ref) => ref.startsWith('refs/heads/choo/unit/')).length,
      pulls: unitPulls.map((each) => each.state),
      unitChecks: ['choo / a', 'choo / b'].every((name) => state.checks.some((check) => check.name === name)),
      planCheck: checkOn(head, 'choo / plan'),
      planComment: has('plan'),
      statusComment: has('run'),
      broken: [
        ...(checkOn(broken, 'choo / plan') ? (['check'] as const) : []),
        ...(state.issues.some(({ body }) => body?.includes('<!-- choo:configuration') === true)
          ? (['issue'] as const)
          : []),
      ],
      named: namesOf(state, permission, pull),
      refused: told
        .filter(({ status }) => status === 403)
        .map(({ method, path }) => `${method} ${path.slice(path.indexOf(repo) + repo.length + 1)}`),
    };
    expect(found).toEqual({ ...WHOLE, ...outcome });
    // Twice of what it takes where nothing is withheld.
    expect(told.length).toBeLessThan(250);

    const isThere = AFTERWARDS[permission];
    if (isThere === undefined) return;
    grant(repo, ALL_PERMISSIONS);
    await quiet(world);
    expect(isThere(await github.state(repo))).toBe(true);
  }, 600_000);
});
