import { expect, test } from 'vitest';
import { findOpenWorkflows } from '../../../src/plan/workflow-problems.ts';
import { memoryTree } from '../../helpers/memory-tree.ts';

const JOB = 'jobs: { a: { runs-on: x, steps: [{ run: x, env: { KEY: "${{ secrets.KEY }}" } }] } }\n';
const found = async (text: string, path = '.github/workflows/ci.yml') =>
  (await findOpenWorkflows(memoryTree({ [path]: text }))).map(({ file, line }) => `${file}:${line}`);

test.each([
  ['on: push', true],
  ['on: [push, pull_request]', true],
  ['on:\n  push:', true],
  ['"on": { push: { paths: [src] } }', true],
  ["on: { push: { branches: ['**'] } }", true],
  ["on: { push: { branches: ['choo/**'] } }", true],
  ["on: { push: { branches: [main, '**/unit/**'] } }", true],
  ["on: { push: { branches-ignore: ['dependabot/**'] } }", true],
  ['on: pull_request', false],
  ['on: { push: { branches: [main] } }', false],
  ["on: { push: { branches: ['*'] } }", false], // no name with a slash
  ["on: { push: { branches: ['**', '!choo/**'] } }", false],
  ["on: { push: { branches-ignore: ['choo/**'] } }", false],
  ["on: { push: { tags: ['v*'] } }", false],
])('a workflow with secrets and `%s`', async (on, isOpen) => {
  expect(await found(`name: CI\n${on}\n${JOB}`)).toEqual(isOpen ? ['.github/workflows/ci.yml:2'] : []);
});

test.each([
  ['GitHub’s own token', JOB.replaceAll('KEY', 'GITHUB_TOKEN'), false],
  ['no secrets', 'jobs: {}\n', false],
  ['secrets by name', JOB.replace('secrets.KEY', "secrets['KEY']"), true],
  ['all secrets for another workflow', 'jobs: { a: { uses: ./b.yml, secrets: inherit } }\n', true],
])('a workflow on every push with %s', async (_, jobs, isOpen) => {
  expect(await found(`on: push\n${jobs}`)).toHaveLength(isOpen ? 1 : 0);
});

test('other files, and what is no YAML, are left alone', async () => {
  expect(await found(`on: push\n${JOB}`, '.github/workflows/README.md')).toEqual([]);
  expect(await found(`on: push\n${JOB}`, 'workflows/ci.yml')).toEqual([]);
  expect(await found(`on: [push\n${JOB}`)).toEqual([]);
});

test('those of the repository count where the project is a directory in it', async () => {
  const repository = memoryTree({ '.github/workflows/ci.yml': `on: push\n${JOB}` });
  const tree = { ...memoryTree({}), above: { tree: repository, path: 'web/app' } };
  expect(await findOpenWorkflows(tree)).toMatchObject([{ file: '../../.github/workflows/ci.yml', line: 1 }]);
});
