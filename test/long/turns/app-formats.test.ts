import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareText } from '../../../src/problems/problem.ts';
import { ended, planned, quiet } from '../../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State } from '../../helpers/app-world.ts';

const OPENSPEC = 'openspec/changes/album/tasks.md';
const SPEC_KIT = 'specs/001-search/tasks.md';

function block(sh: string): string {
  return `  \`\`\`sh rehearsal\n  ${sh}\n  \`\`\`\n`;
}

/** The first agent ticks every box of both lists, which are not its own to write. */
const LISTS = {
  [OPENSPEC]: [
    '## 1. Store\n- [ ] 1.1 Write the store. Verify: `test -e store`\n',
    block(`sed -i 's/\\[ \\]/[x]/' ${OPENSPEC} ${SPEC_KIT}; touch store`),
    '## 2. Page\n- [ ] 2.1 Write the page. Verify: `test -e store -a -e page`\n',
    block('touch page'),
  ].join(''),
  'openspec/changes/album/proposal.md': 'Why\n',
  [SPEC_KIT]: [
    '## Phase 1: Setup\n- [ ] T001 Set up. Verify: `test -e setup`\n',
    block('touch setup'),
    '## Phase 3: User Story 1 - Find\n**Independent Test**: `test -e setup -a -e found`\n- [ ] T002 [US1] Find\n',
    block('touch found'),
  ].join(''),
};

let world: AppWorld;
beforeAll(async () => {
  world = await makeAppWorld({ units: {} });
  await world.start();
});
afterAll(async () => world[Symbol.asyncDispose]());

const pullOf = ({ pulls }: State, unit: string) =>
  pulls.find(({ head }) => head.ref === `choo/unit/main/${unit}`);
const listAt = async (rev: string, path: string): Promise<string> =>
  `${await world.git('show', `${rev}:${path}`)}\n`;
const boxesAt = async (rev: string): Promise<string> =>
  (await Promise.all([OPENSPEC, SPEC_KIT].map(async (path) => listAt(rev, path))))
    .join('')
    .match(/(?<=^- )\[[ x]\]/gm)
    ?.join('') ?? '';

test('a change of OpenSpec and a feature of spec-kit are planned, run, stacked and squashed, and choo alone ticks', async () => {
  const { github } = world;
  const alice = github.as('alice');

  // 1. Brought without a word about them: understood, and no failure.
  const brought = await world.push('alice', 'main', LISTS);
  const check = (await planned(world, brought)).checks.find(({ head_sha }) => head_sha === brought);
  expect(check?.conclusion).toBe('neutral');
  expect(check?.output.summary?.replaceAll('\\', '')).toContain(
    'specs: [{ from: openspec, path: openspec/changes }, { from: spec-kit, path: specs }]',
  );

  // 2. With the line: planned and run.
  const config = 'provider:\n  type: rehearsal\nspecs: [{ from: openspec }, { from: spec-kit }]\n';
  const commit = await world.push('alice', 'main', { '.choo.yml': config });
  const plan = (await planned(world, commit)).checks.find(({ head_sha }) => head_sha === commit);
  expect(plan?.output.summary).not.toContain('error');
  const issue = await alice.createIssue(REPO, { title: 'Build it' });
  await alice.comment(REPO, issue, '/choo run');
  await ended(world, 1);
  const state = await quiet(world);
  expect(
    state.pulls.map(({ head, base, draft }) => `${head.ref} ${base.ref} ${draft}`).sort(compareText),
  ).toEqual([
    'choo/unit/main/001-search-setup main false',
    'choo/unit/main/001-search-us1 choo/unit/main/001-search-setup true',
    'choo/unit/main/album-1 main false',
    'choo/unit/main/album-2 choo/unit/main/album-1 true',
  ]);
  expect(await boxesAt('choo/unit/main/album-1')).toBe('[x][ ][ ][ ]');
  expect(await boxesAt('choo/unit/main/album-2')).toBe('[x][x][ ][ ]');
  expect(await boxesAt('choo/unit/main/001-search-us1')).toBe('[ ][ ][x][x]');
  const notices = await world.server.rows(
    "select body->>'message' as message from events where body->>'type' = 'unit.notice' and body->>'code' = 'protected'",
  );
  expect(notices).toEqual([
    { message: `changes to protected files were put back: \`${OPENSPEC}\`, \`${SPEC_KIT}\`` },
  ]);

  // 3. Squashed one after the other: each next one follows, and its boxes with it.
  for (const [below, above] of [
    ['album-1', 'album-2'],
    ['001-search-setup', '001-search-us1'],
  ] as const) {
    await alice.merge(REPO, pullOf(state, below)?.number ?? 0, 'squash');
    const next = await world.until(`${above} to be ready`, (now) => {
      const pull = pullOf(now, above);
      return pull?.base.ref === 'main' && !pull.draft;
    });
    await quiet(world);
    await alice.merge(REPO, pullOf(next, above)?.number ?? 0, 'squash');
    await quiet(world);
  }
  for (const [path, text] of Object.entries(LISTS))
    expect(await listAt('main', path)).toBe(text.replaceAll('- [ ]', '- [x]'));
  const { checks } = await planned(world, await world.git('rev-parse', 'main'));
  expect(checks.at(-1)?.conclusion).not.toBe('failure');
});
