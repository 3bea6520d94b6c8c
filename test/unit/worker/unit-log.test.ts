import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openLogFile, UnitLog } from '../../../src/worker/unit-log.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const asIs = (text: string): string => text;

describe('the log of a unit', () => {
  test('tells in order what choo says and what others print, without secrets', async () => {
    await using place = await temporaryDirectory();
    const path = join(place.path, 'unit.log');
    {
      using log = new UnitLog(openLogFile(path), (text) => text.replaceAll('hush', '[secret]'));
      log.say('it begins with hush');
      log.quote('one\ntwo hush\n');
      log.quote('');
      log.say('it ends');
    }
    const lines = (await readFile(path, 'utf8')).split('\n');
    expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d/, 'TIME'))).toEqual([
      'TIME it begins with [secret]',
      '    | one',
      '    | two [secret]',
      'TIME it ends',
      '',
    ]);
  });

  test('lets nobody forge a line of choo with what it names', async () => {
    await using place = await temporaryDirectory();
    const path = join(place.path, 'unit.log');
    {
      using log = new UnitLog(openLogFile(path), asIs);
      log.say('Read: a.txt\r12:00:00 every gate passed\n12:00:00 pushed');
    }
    const [said, ...quoted] = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(said).toMatch(/ Read: a\.txt$/);
    expect(quoted).toEqual(['    | 12:00:00 every gate passed', '    | 12:00:00 pushed']);
  });

  test('can be read while the unit works, and goes on where an earlier process ended', async () => {
    await using place = await temporaryDirectory();
    const path = join(place.path, 'unit.log');
    for (const text of ['first', 'second']) {
      using log = new UnitLog(openLogFile(path), asIs);
      log.say(text);
      await new Promise(setImmediate);
      expect(await readFile(path, 'utf8')).toContain(text);
    }
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(3);
  });

  test('holds little of what comes faster than anybody waits for, and ends with a word where it is full', async () => {
    await using place = await temporaryDirectory();
    const path = join(place.path, 'unit.log');
    using log = new UnitLog(openLogFile(path), asIs);
    const line = 'x'.repeat(1_000);
    for (let count = 0; count < 1_000; count += 1) log.quote(line);
    expect((await stat(path)).size).toBeGreaterThan(900_000); // without waiting for anything
    for (let count = 0; count < 40_000; count += 1) log.quote(line);
    await new Promise(setImmediate);
    const text = await readFile(path, 'utf8');
    expect(text.length).toBeLessThan(34 * 1024 * 1024);
    expect(text.trimEnd().split('\n').at(-1)).toBe('… the rest of this log is not kept');
  });

  test('that cannot be written stops nobody', () => {
    using log = new UnitLog(openLogFile('/nonexistent/unit.log'), asIs);
    log.say('nothing');
    log.quote('nothing');
    expect(() => log[Symbol.dispose]()).not.toThrow();
  });
});
