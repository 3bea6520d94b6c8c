import * as fc from 'fast-check';
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Ending } from '../../../src/sandbox/sandbox.ts';
import { judge } from '../../../src/worker/gate/gate.ts';
import { secretForms } from '../../../src/worker/secrets.ts';
import { taskTrailers } from '../../../src/worker/task-loop.ts';

describe('a gate is judged by how it ended', () => {
  test.each<[Ending, string, number | null]>([
    [{ kind: 'exited', exitCode: 0 }, 'green', 0],
    [{ kind: 'exited', exitCode: 1 }, 'red', 1],
    [{ kind: 'exited', exitCode: 125 }, 'red', 125],
    [{ kind: 'exited', exitCode: 126 }, 'fault', 126],
    [{ kind: 'exited', exitCode: 127 }, 'fault', 127],
    [{ kind: 'exited', exitCode: 128 }, 'red', 128],
    [{ kind: 'killed', signal: 'SIGSEGV' }, 'red', null],
    [{ kind: 'timed-out', limitMs: 5_000 }, 'red', null],
    [{ kind: 'stalled', limitMs: 5_000 }, 'red', null],
    [{ kind: 'over-limit', what: 'disk', limitBytes: 1 }, 'red', null],
    [{ kind: 'cancelled' }, 'cancelled', null],
    [{ kind: 'not-started', reason: 'no bwrap' }, 'fault', null],
  ])('%j is %s', (ending, kind, exitCode) => {
    expect(judge({ ending, tail: 'text', durationMs: 3 })).toMatchObject({ kind, exitCode, durationMs: 3 });
  });

  test('keeps the end of what a red gate printed, and nothing of a green one', () => {
    const tail = `${'x'.repeat(20_000)}the end`;
    const red = judge({ ending: { kind: 'exited', exitCode: 1 }, tail, durationMs: 1 });
    expect(red.tail).toHaveLength(6_000);
    expect(red.tail.endsWith('the end')).toBe(true);
    expect(judge({ ending: { kind: 'exited', exitCode: 0 }, tail, durationMs: 1 }).tail).toBe('');
  });
});

describe('the search for secrets', () => {
  const secret = 'sk-test_Very+Secret/Value=="quoted"';

  test.each<[string, (value: string) => string]>([
    ['as it is', (value) => value],
    ['in JSON', (value) => JSON.stringify({ key: value })],
    ['in a URL', (value) => `https://x/?k=${encodeURIComponent(value)}`],
    ['in hexadecimal', (value) => Buffer.from(value).toString('hex')],
    ['in capital hexadecimal', (value) => Buffer.from(value).toString('hex').toUpperCase()],
    ['in base64', (value) => Buffer.from(value).toString('base64')],
    ['in base64url', (value) => Buffer.from(value).toString('base64url')],
    ['in base64 behind one byte', (value) => Buffer.from(`u${value}`).toString('base64')],
    ['in base64 behind a user name', (value) => Buffer.from(`x-access-token:${value}`).toString('base64')],
    ['in base64 before others', (value) => Buffer.from(`ab${value}and more`).toString('base64')],
  ])('finds a value %s', (_, write) => {
    const forms = secretForms([secret]);
    const text = Buffer.from(`before ${write(secret)} after`);
    expect(forms.some((form) => text.includes(form))).toBe(true);
  });

  test('finds it in base64 wherever it stands, and does not find what is not there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (before, after) => {
        const text = Buffer.from(Buffer.concat([before, Buffer.from(secret), after]).toString('base64'));
        expect(secretForms([secret]).some((form) => text.includes(form))).toBe(true);
      }),
    );
    const other = randomBytes(100_000);
    expect(secretForms([secret]).some((form) => other.includes(form))).toBe(false);
  });

  test.each([
    ['https://reader:p%40ss-of-8@index.example/simple', ['p%40ss-of-8', 'p@ss-of-8', 'reader:p@ss-of-8']],
    ['https://the-token-alone@index.example/simple', ['the-token-alone']],
  ])('finds the credential of an address without the rest: %s', (address, parts) => {
    const forms = secretForms([address]);
    const isFound = (text: string): boolean => forms.some((form) => text.includes(form.toString()));
    for (const part of parts) {
      expect(isFound(`_auth=${part}\n`)).toBe(true);
      expect(isFound(Buffer.from(part).toString('base64'))).toBe(true);
    }
    expect(isFound('https://index.example/simple reader')).toBe(false);
  });

  test('leaves out values that would be found everywhere', () => {
    expect(secretForms(['postgres://postgres:postgres@localhost/choo']).map(String)).not.toContain(
      'postgres',
    );
    expect(secretForms(['', 'short', '1234567'])).toEqual([]);
  });
});

test('a commit says which run, unit, task, attempt and gate it comes from', () => {
  expect(taskTrailers({ run: 'r', unit: 'u', task: '3', attempt: 2, gate: 'make' })).toEqual({
    'Choo-Run': 'r',
    'Choo-Unit': 'u',
    'Choo-Task': '3',
    'Choo-Attempt': '2',
    'Choo-Gate': `exit=0 sha256=${createHash('sha256').update('make').digest('hex')}`,
  });
});
