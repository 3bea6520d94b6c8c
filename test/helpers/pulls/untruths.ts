import { canRebase } from '../../../stand-in/pulls/methods.ts';
import type { State } from '../app-world.ts';
import { dependenciesOf, fileOf, filled, isOwnFile, ownTexts, titled } from './shapes.ts';
import type { Stage } from './stage.ts';

const NO_COMMIT = '0'.repeat(40);
type Pull = State['pulls'][number];

/** The branch of a unit of this stage. */
const branchOf = ({ origin }: Pick<Stage, 'origin'>, unit: string): string => `choo/unit/${origin}/${unit}`;

/** The newest pull request of a unit. */
export function pullOf(stage: Pick<Stage, 'origin'>, state: State, unit: string): Pull | undefined {
  return state.pulls.findLast(({ head }) => head.ref === branchOf(stage, unit));
}

/**
 * Everything that is not as it must be once nothing is under way, a sentence each, from git and GitHub's state alone. What a
 * person did is known from the stage.
 */
export async function findUntruths(stage: Stage): Promise<readonly string[]> {
  const state = await stage.state();
  const units = Object.keys(stage.units);
  const outside = units.flatMap((unit) => findOutsideUntruths(stage, state, unit));
  // git is asked only once the rest is right: it costs more.
  if (outside.length > 0) return outside;
  const found: string[] = [
    ...(stage.isRebaseOnly ? [] : await findMoves(stage)),
    ...(await findAgents(stage)),
    ...findDoubled(state),
  ];
  for (const unit of units)
    if (!stage.merged.has(unit)) found.push(...(await findContentUntruths(stage, state, unit)));
  return found;
}

/** State, base, draft state and check of a unit's pull request. */
function findOutsideUntruths(stage: Stage, state: State, unit: string): readonly string[] {
  const { merged, units, target } = stage;
  const pulls = state.pulls.filter(({ head }) => head.ref === branchOf(stage, unit));
  const [pull] = pulls;
  if (pull === undefined || pulls.length > 1)
    return [`${unit} has ${pulls.length} pull requests: ${pulls.map(({ number }) => number).join()}`];
  const found: string[] = [];
  const expect = (what: string, is: unknown, wanted: unknown): void => {
    if (is !== wanted)
      found.push(`${unit} (#${pull.number}): ${what} is ${String(is)}, not ${String(wanted)}`);
  };
  if (merged.has(unit)) {
    expect('merged', pull.merged, true);
    return found;
  }
  expect('state', pull.state, 'open');
  const dependencies = units[unit] ?? [];
  const open = dependencies.filter((each) => !merged.has(each));
  const [only] = dependencies;
  const base =
    open.length === 0
      ? target
      : dependencies.length === 1 && only !== undefined
        ? branchOf(stage, only)
        : `choo/base/${stage.origin}/${unit}`;
  expect('base', pull.base.ref, base);
  expect('draft', pull.draft, open.length > 0);
  expect('head', pull.head.sha, state.refs[`refs/heads/${pull.head.ref}`]);
  const check = state.checks.findLast(
    ({ name, head_sha }) => name === `choo / ${unit}` && head_sha === pull.head.sha,
  );
  expect(
    'check on the head',
    check === undefined ? 'missing' : (check.conclusion ?? check.status),
    'success',
  );
  return found;
}

/** Files, mergeability and what a merge would leave. */
async function findContentUntruths(stage: Stage, state: State, unit: string): Promise<readonly string[]> {
  const { units, git, theirs } = stage;
  const pull = pullOf(stage, state, unit);
  if (pull === undefined) return [`${unit} has no pull request`];
  const found: string[] = [];
  const [base, head] = [`refs/heads/${pull.base.ref}`, pull.head.sha];
  const say = (sentence: string): void => void found.push(`${unit} (#${pull.number}): ${sentence}`);
  const isOwn = (path: string): boolean =>
    isOwnFile(units, unit, path) || (theirs.get(unit) ?? []).includes(path);

  const shown = lines(await git('diff', '--name-only', '--no-renames', `${base}...${head}`));
  const foreign = shown.filter((path) => !isOwn(path));
  if (foreign.length > 0) say(`shows files that are not its own: ${foreign.join(', ')}`);
  const missing = ownTexts(units, unit).filter((path) => !shown.includes(path));
  if (missing.length > 0) say(`does not show its own files: ${missing.join(', ')}`);

  const merge = await git('merge-tree', '--write-tree', '--name-only', base, head).catch(
    ({ stdout = 'a merge that failed' }: { stdout?: string }) => stdout,
  );
  const [tree = '', ...conflicts] = lines(merge);
  if (conflicts.length > 0) say(`conflicts with ${pull.base.ref}: ${conflicts.join(' ')}`);
  else {
    const changed = lines(await git('diff', '--name-only', '--no-renames', base, tree));
    const taken = changed.filter((path) => !isOwn(path));
    if (taken.length > 0) say(`merged into ${pull.base.ref} it would change ${taken.join(', ')}`);
    for (const dependency of units[unit] ?? [])
      for (const line of await lostLines(stage, [base, tree], fileOf(dependency)))
        if (line !== `slot ${unit}`) say(`merged into ${pull.base.ref} it would take back \`${line}\``);
  }

  if (stage.isRebaseOnly) {
    const of = { base: await git('rev-parse', base), head, by: { login: 'alice' } };
    if (!(await canRebase(stage.world.github.bare(stage.repo), of))) say(`cannot be rebased onto ${base}`);
  }

  for (const dependency of [unit, ...dependenciesOf(units, unit)]) {
    const text = await git('show', `${head}:${fileOf(dependency)}`).catch(() => '');
    if (!lines(text).includes(titled(dependency))) say(`its tree lacks the work of ${dependency}`);
    if ((units[unit] ?? []).includes(dependency) && !lines(text).includes(filled(unit)))
      say(`its tree lacks its own line in ${fileOf(dependency)}`);
  }
  for (const sentence of await findTextUntruths(stage, unit, pull)) say(sentence);
  const subjects = await git('log', '--format=%B', `${base}..${head}`);
  if (/\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]/i.test(subjects)) say('a commit skips CI');
  return found;
}

/** What the text of a pull request says of its head, of what is below it, and of how it is merged. */
async function findTextUntruths(
  { units, merged, git }: Stage,
  unit: string,
  pull: Pull,
): Promise<readonly string[]> {
  const found: string[] = [];
  const { base, head } = pull;
  const body = pull.body ?? '';
  const claimed = [...body.matchAll(/passed in a fresh worktree at `([0-9a-f]+)`/g)].map(
    ([, commit]) => commit,
  );
  if (claimed.join() !== head.sha.slice(0, 12))
    found.push(`says that the gates passed at ${claimed.join() || 'no commit'}, and its head is ${head.sha}`);
  const first = /^\*\*Merge first:\*\* (.*)\. This is a draft until then\.$/m.exec(body)?.[1] ?? '';
  const named = [...first.matchAll(/`([^`]+)`/g)].map(([, id = '']) => id);
  const open = (units[unit] ?? []).filter((each) => !merged.has(each)).toSorted();
  if (named.toSorted().join() !== open.join())
    found.push(`says to merge first: ${named.join() || 'nothing'}; open is: ${open.join() || 'nothing'}`);
  const merges = await git('rev-list', '--merges', '--count', `refs/heads/${base.ref}..${head.sha}`);
  const isSaid = body.includes('Merge this pull request by squash or with a merge commit.');
  if (isSaid !== (merges !== '0'))
    found.push(`${isSaid ? 'says' : 'does not say'} to squash or merge it, and has ${merges} merge commits`);
  return found;
}

/** Comments of choo's that are there twice, by the mark that each of them has. */
function findDoubled({ comments }: State): readonly string[] {
  const marks = comments.flatMap(({ app, issue, body }) =>
    app === null ? [] : [...body.matchAll(/<!-- choo:.*? -->/g)].map(([mark]) => `#${issue} ${mark}`),
  );
  return marks
    .filter((mark, at) => marks.indexOf(mark) !== at)
    .map((mark) => `there are two comments ${mark}`);
}

/** The lines of a file that the first of two trees has and the second has not. */
async function lostLines(
  { git }: Stage,
  [before, after]: readonly [string, string],
  path: string,
): Promise<readonly string[]> {
  const [old, now] = await Promise.all(
    [before, after].map(async (tree) => lines(await git('show', `${tree}:${path}`).catch(() => ''))),
  );
  return (old ?? []).filter((line) => !now?.includes(line));
}

/** Pushes of choo's that were no fast-forward; a branch that is made again may be made at an older commit. */
async function findMoves({ pushes, git }: Stage): Promise<readonly string[]> {
  const found: string[] = [];
  const last = new Map<string, string>();
  const contains = async (head: string, commit: string): Promise<boolean> =>
    git('merge-base', '--is-ancestor', commit, head).then(
      () => true,
      () => false,
    );
  for (const { branch, before, after, by } of pushes()) {
    if (!branch.startsWith('choo/') || after === NO_COMMIT) continue;
    const old = last.get(branch);
    last.set(branch, after);
    // What a person forces, also by one of GitHub's own stacks, is theirs.
    if (old === undefined || !by.endsWith('[bot]') || (await contains(after, old))) continue;
    if (before === NO_COMMIT && (await contains(old, after))) continue;
    found.push(`${by} moved ${branch} from ${old} to ${after}, which does not contain it`);
  }
  return found;
}

/** Agents that were started although nothing was asked for again. */
async function findAgents({ agents, units, isCutOff }: Stage): Promise<readonly string[]> {
  const all = await agents();
  const started = (isCutOff ? [...new Set(all)] : all).toSorted().join();
  const wanted = Object.keys(units).toSorted().join();
  return started === wanted ? [] : [`agents were started for ${started}, not for ${wanted}`];
}

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
