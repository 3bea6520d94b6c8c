import { describe, expect, test } from 'vitest';
import { readGateNames } from '../../../src/gates/names.ts';

const pathsOf = (command: string): readonly string[] =>
  readGateNames(command, ['']).paths.map(({ path }) => path);

describe('what a gate names is found', () => {
  test.each([
    ['sh check.sh', 'check.sh'],
    ['sh ./scripts//check.sh', 'scripts/check.sh'],
    ['cat check.sh | sh', 'check.sh'],
    ['bash <(cat check.sh)', 'check.sh'],
    ['eval "$(cat check.sh)"', 'check.sh'],
    ['f() { sh check.sh; }; f', 'check.sh'],
    ['for each in check.sh; do sh $each; done', 'check.sh'],
    ['node --import ./hook.js test.js', 'hook.js'],
  ])('in %s', (command, path) => {
    expect(pathsOf(command)).toContain(path);
  });

  test.each([
    ['ROOT=$(git rev-parse --show-toplevel); sh "$ROOT/check.sh"', 'check.sh'],
    ['ROOT="$(cd "$(dirname "$0")/.." && pwd)"\n. "$ROOT/lib.sh"', 'lib.sh'],
    ['HERE=$(pwd) && sh "${HERE}/check.sh"', 'check.sh'],
    ['A=one; A=$PWD; sh "$A/check.sh"', 'check.sh'],
    ['sh ~+/check.sh', 'check.sh'],
  ])('behind a directory that only the shell knows: %s', (command, path) => {
    expect(pathsOf(command)).toContain(path);
  });

  test.each([
    ['sh "${CHECK:-check.sh}"', 'check.sh'],
    ['sh "${CHECK:=check.sh}"', 'check.sh'],
    ['sh ${DIR-scripts}/check.sh', 'scripts/check.sh'],
  ])('as the default of a variable: %s', (command, path) => {
    expect(pathsOf(command)).toContain(path);
  });

  test.each([
    ['env -C sub sh check.sh', 'sub/check.sh'],
    ['env --chdir=sub A=1 sh check.sh', 'sub/check.sh'],
    ['env A=1 --chdir sub sh check.sh', 'sub/check.sh'],
  ])('in another directory: %s', (command, path) => {
    expect(pathsOf(command)).toContain(path);
  });

  test.each([
    ['NODE_OPTIONS=--require=./hook.cjs node test.js', 'hook.cjs'],
    ['export NODE_OPTIONS="--import ./hook.js"; npm test', 'hook.js'],
    ['env BASH_ENV=lib.sh bash -c "run"', 'lib.sh'],
    ['PYTHONPATH=tools:more python3 -m judge', 'more/judge.py'],
  ])('in a variable that a program obeys: %s', (command, path) => {
    expect(pathsOf(command)).toContain(path);
  });
});

test('the value of another variable is no file that a gate names', () => {
  expect(pathsOf('DATA=src/data.json npm test')).not.toContain('src/data.json');
});
