import { describe, expect, test } from 'vitest';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileOn, makeProject, resultBranch, story } from '../helpers/spec-project.ts';

const LIST = 'openspec/changes/album/tasks.md';

/** A block that the rehearsal provider carries out, below a task. */
function block(sh: string, indent = '  '): string {
  return ['```sh rehearsal', sh, '```'].map((line) => `${indent}${line}\n`).join('');
}

/** Two groups in order, of which the second wants what the first one made, with CRLF and tabs. */
const OPENSPEC = [
  '\uFEFF# Tasks\r\n',
  '## 1. Store\r\n',
  '- [ ] 1.1 Write the store. Verify: `test -e store`\r\n',
  block('touch store'),
  '  - [ ] its index\r\n',
  '- [x] 1.2 Already there, without a command\r\n',
  '```\n- [ ] no task\n```\n',
  '## 2. Page\n',
  '-\t[ ] 2.1 Write the page. Verify: `test -e store -a -e page`\n',
  block(`sed -i 's/\\[ \\]/[x]/' ${LIST}; touch page`),
  '- [ ] 2.2 Not to be reached by the box of 2.1. Verify: `test -e last`\n',
  block('touch last'),
].join('');

describe('a change of OpenSpec', () => {
  test('runs in the order of its groups, and choo alone ticks the boxes', async () => {
    await using project = await makeProject({
      units: {},
      config: 'specs: { from: openspec }\n',
      files: { [LIST]: OPENSPEC, 'openspec/changes/album/proposal.md': 'Why\n' },
    });
    const before = await project.git('rev-parse', 'HEAD');
    const { exitCode, stderr } = await project.run();
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(await story(project, 'choo/unit/main/album-1')).toEqual([
      'Write the store. Verify: `test -e store`',
    ]);
    const ticked = OPENSPEC.replace('[ ] 1.1', '[x] 1.1').replace('[ ] its', '[x] its');
    expect(await raw(project, 'choo/unit/main/album-1')).toBe(ticked);
    // An agent ticked every box with the first task of the second unit: only its own was.
    const [first = ''] = (await project.git('log', '--format=%H', '-2', 'choo/unit/main/album-2'))
      .split('\n')
      .slice(1);
    expect(await raw(project, first)).toBe(ticked.replace('[ ] 2.1', '[x] 2.1'));
    const all = ticked.replace('[ ] 2.1', '[x] 2.1').replace('[ ] 2.2', '[x] 2.2');
    expect(await raw(project, 'choo/unit/main/album-2')).toBe(all);
    expect(await raw(project, await resultBranch(project))).toBe(all);
    expect(await project.git('rev-parse', 'HEAD')).toBe(before);
    expect(await project.git('diff', '--name-only', before, 'choo/unit/main/album-2')).toBe(
      ['last', LIST, 'page', 'store'].join('\n'),
    );
    // Again: nothing is done twice.
    const again = await project.run();
    expect(again.events.filter(({ type }) => type === 'task.provider.invoke')).toEqual([]);
  });

  test('asks for the commit of its files like any other specs, and tells an agent what else to read', async () => {
    await using project = await makeProject({
      units: {},
      config: 'specs: { from: openspec }\n',
      files: {
        [LIST]: OPENSPEC,
        'openspec/changes/album/design.md': 'How\n',
        'openspec/project.md': 'All\n',
      },
    });
    const { stdout } = await project.choo('prompt', 'album-2');
    expect(stdout).toContain(`described in \`${LIST}\``);
    expect(stdout).toContain('- `openspec/changes/album/design.md`\n- `openspec/project.md`');
    await writeFile(join(project.path, LIST), OPENSPEC.replace('store', 'shop'));
    const { exitCode, stderr } = await project.run();
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(new RegExp(`changed +${LIST}`));
  });
});

test('units of one list that run at the same time tick their boxes on neighbouring lines, and merge', async () => {
  const list = [
    '- [ ] 1. Left. Verify: `test -e left`\n',
    block('touch left'),
    '  - [ ] its end\n- [ ] 2. Right. Verify: `test -e right`\n',
    block('touch right'),
    '- [ ] 3. Both. Verify: `test -e left -a -e right -a -e both`\n',
    block('touch both'),
    '## Task Dependency Graph\n```json\n{"waves": [{"tasks": ["1", "2"]}, {"tasks": ["3"]}]}\n```\n',
  ].join('');
  await using project = await makeProject({
    units: {},
    config: 'specs: { from: kiro }\n',
    files: { '.kiro/specs/pair/tasks.md': list },
  });
  const { exitCode, stdout, stderr } = await project.run();
  expect(exitCode, stdout + stderr).toBe(0);
  expect(await fileOn(project, 'choo/unit/main/pair-3', '.kiro/specs/pair/tasks.md')).toBe(
    list.replaceAll('[ ]', '[x]').trimEnd(),
  );
});

test('a story of spec-kit whose task changes starts anew, with the boxes of what it builds on', async () => {
  const list = (word: string): string =>
    [
      '## Phase 1: Setup\n- [ ] T001 Set up. Verify: `test -e setup`\n',
      block('touch setup'),
      '## Phase 3: User Story 1 - See\n**Independent Test**: `test -e seen`\n',
      `- [ ] T002 [US1] Let ${word} be seen\n`,
      block('touch seen'),
    ].join('');
  const path = 'specs/001-see/tasks.md';
  await using project = await makeProject({
    units: {},
    config: 'specs: { from: spec-kit, path: specs }\n',
    files: { [path]: list('it') },
  });
  expect((await project.run()).exitCode).toBe(0);
  const branch = 'choo/unit/main/001-see-us1';
  expect(await fileOn(project, branch, path)).toBe(list('it').replaceAll('[ ]', '[x]').trimEnd());
  await writeFile(join(project.path, path), list('all'));
  await project.git('commit', '-qam', 'See all');
  const again = await project.run();
  expect(again.exitCode).toBe(0);
  expect(again.events.filter(({ type }) => type === 'unit.satisfied').map(({ unit }) => unit)).toEqual([
    '001-see-setup',
  ]);
  expect(await fileOn(project, branch, path)).toBe(list('all').replaceAll('[ ]', '[x]').trimEnd());
});

test('more directories of choo’s own specs run beside the first one', async () => {
  const task =
    '---\ntask: 1\nstatus: pending\nbackpressure: test -e more\n---\n\n# More\n\n```sh rehearsal\ntouch more\n```\n';
  await using project = await makeProject({
    units: { unit: { tasks: [{ gate: 'test -e work', sh: 'touch work' }] } },
    config: 'specs: { from: choo, path: other }\n',
    files: {
      'other/more/IMPLEMENTATION_PLAN.md': '---\ndepends_on: []\n---\n',
      'other/more/01-more.md': task,
    },
  });
  expect((await project.run()).exitCode).toBe(0);
  const result = await resultBranch(project);
  expect(await fileOn(project, result, 'work')).toBe('');
  expect(await fileOn(project, result, 'other/more/01-more.md')).toContain('status: complete');
});

async function raw(project: Awaited<ReturnType<typeof makeProject>>, rev: string): Promise<string> {
  const { execa } = await import('execa');
  const { stdout } = await execa('git', ['show', `${rev}:${LIST}`], {
    cwd: project.path,
    encoding: 'buffer',
    stripFinalNewline: false,
  });
  return Buffer.from(stdout).toString();
}
