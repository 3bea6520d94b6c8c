import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { compareText } from '../../src/problems/problem.ts';
import { ended, planned, quiet } from '../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO } from '../helpers/app-world.ts';
import type { Rule } from '../helpers/model-server/script.ts';
import { startModelServer } from '../helpers/model-server/server.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { asked, KEY, prepareAgents, providerConfig } from './agent-project.ts';

const OPENSPEC = 'openspec/changes/album/tasks.md';
const SPEC_KIT = 'specs/001-search/tasks.md';

const LISTS = {
  [OPENSPEC]: [
    '## 1. Store\n- [ ] 1.1 Write the store. Verify: `test -e store`\n',
    '## 2. Page\n- [ ] 2.1 Write the page. Verify: `test -e store -a -e page`\n',
  ].join(''),
  'openspec/changes/album/proposal.md': 'An album needs a page.\n',
  [SPEC_KIT]: [
    '## Phase 1: Setup\n- [ ] T001 Set up. Verify: `test -e setup`\n',
    '## Phase 3: User Story 1 - Find\n**Independent Test**: `test -e setup -a -e found`\n- [ ] T002 [US1] Find\n',
  ].join(''),
};

/** The file that each unit is about. */
const WORK = {
  'album-1': 'store',
  'album-2': 'page',
  '001-search-setup': 'setup',
  '001-search-us1': 'found',
};

// On the host a server gives agents /tmp as theirs.
beforeEach(() => vi.stubEnv('TMPDIR', '/var/tmp'));
afterEach(() => vi.unstubAllEnvs());

async function listAt(world: AppWorld, rev: string, path: string): Promise<string> {
  return `${await world.git('show', `${rev}:${path}`)}\n`;
}

test('the real claude works on lists of OpenSpec and spec-kit: it ticks every box, and choo those whose gates passed', async () => {
  const rules = Object.entries(WORK).map(([unit, file]): Rule => {
    const ticks = `sed -i 's/\\[ \\]/[x]/' ${OPENSPEC} ${SPEC_KIT}`;
    return {
      match: asked(unit),
      steps: [{ bash: `${ticks}; touch ${file}` }, { text: 'All boxes are ticked.' }],
    };
  });
  await using model = await startModelServer({ rules, key: KEY });
  await using place = await temporaryDirectory();
  const { variables } = await prepareAgents(place.path, model.url);
  await using world = await makeAppWorld(
    { units: {} },
    { environment: { ...variables, CHOO_ALLOWED_PROVIDERS: 'claude', CHOO_SANDBOX: 'bubblewrap' } },
  );
  const alice = world.github.as('alice');
  await world.start();
  const commit = await world.push('alice', 'main', {
    ...LISTS,
    '.choo.yml': `${providerConfig('claude')}specs: [{ from: openspec }, { from: spec-kit }]\n`,
  });
  await planned(world, commit);
  const issue = await alice.createIssue(REPO, { title: 'Build it' });
  await alice.comment(REPO, issue, '/choo run');
  await ended(world, 1);
  const { pulls } = await quiet(world);
  expect(pulls.map(({ head, base }) => `${head.ref} ${base.ref}`).sort(compareText)).toEqual([
    'choo/unit/main/001-search-setup main',
    'choo/unit/main/001-search-us1 choo/unit/main/001-search-setup',
    'choo/unit/main/album-1 main',
    'choo/unit/main/album-2 choo/unit/main/album-1',
  ]);
  for (const [unit, count] of [
    ['album-1', 1],
    ['album-2', 2],
  ] as const) {
    const head = `choo/unit/main/${unit}`;
    expect((await listAt(world, head, OPENSPEC)).match(/\[x\]/g)).toHaveLength(count);
    expect(await listAt(world, head, SPEC_KIT)).toBe(LISTS[SPEC_KIT]);
  }
  expect(await listAt(world, 'choo/unit/main/001-search-us1', OPENSPEC)).toBe(LISTS[OPENSPEC]);
  const prompt = model.log.find((each) => asked('album-1').test(each.prompt))?.prompt ?? '';
  expect(prompt).toContain('openspec/changes/album/proposal.md');
  expect(prompt).not.toContain('An album needs a page.');
});
