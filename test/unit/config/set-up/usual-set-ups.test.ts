import { describe, expect, test } from 'vitest';
import { usualSetUps } from '../../../../src/config/set-up/usual-set-ups.ts';

function setUpsOf(files: Readonly<Record<string, string>>) {
  return usualSetUps((file) => files[file]);
}

describe('the usual set-up', () => {
  test('is that of each ecosystem, with the most exact file of its group', () => {
    const setUps = setUpsOf({
      'package.json': '{}',
      'package-lock.json': '{}',
      'go.mod': '',
      'Cargo.toml': '',
    });
    expect(setUps).toEqual([
      { command: 'npm ci', inputs: ['package-lock.json', '**/package.json', '**/.npmrc'] },
      { command: 'go mod download', inputs: ['go.mod', '**/go.mod', '**/go.sum', 'go.work', 'go.work.sum'] },
      {
        command: 'cargo fetch',
        inputs: ['Cargo.toml', '**/Cargo.toml', 'Cargo.lock', '.cargo/config.toml', 'rust-toolchain*'],
      },
    ]);
    expect(setUpsOf({ 'requirements.txt': '' })[0]?.inputs).toContain('requirements.txt');
    expect(setUpsOf({ 'uv.lock': '', 'requirements.txt': '' })).toHaveLength(1);
    expect(setUpsOf({ Makefile: '' })).toEqual([]);
  });

  test('names no inputs where scripts of the project run, for these may read anything', () => {
    const script = (name: string) => JSON.stringify({ scripts: { [name]: 'node x.js' } });
    for (const manifest of [script('postinstall'), script('prepare'), 'not json'])
      expect(setUpsOf({ 'package.json': manifest, 'package-lock.json': '{}' })).toEqual([
        { command: 'npm ci' },
      ]);
    expect(setUpsOf({ 'package.json': script('test'), 'yarn.lock': '' })[0]?.inputs).toContain('yarn.lock');
  });
});
