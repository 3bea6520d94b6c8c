import { describe, expect, test } from 'vitest';
import { INSIDE_UID } from '../../../../src/sandbox/bubblewrap/sandbox-user.ts';
import { pickUser } from '../../../../src/store/embedded/postgres-user.ts';

const DATA = '/var/lib/choo/postgres';
const ROOT = 'root:x:0:0:root:/root:/bin/bash';
const NOBODY = 'nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin';
const POSTGRES = 'postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash';
const ALICE = 'alice:x:1000:1001::/home/alice:/bin/sh';

describe('the user that PostgreSQL runs as under root', () => {
  test.each<[what: string, lines: readonly string[], owner: number | undefined, name: string]>([
    ['is `postgres`', [ROOT, NOBODY, POSTGRES], undefined, 'postgres'],
    ['is `nobody` where there is no `postgres`', [ROOT, NOBODY], undefined, 'nobody'],
    ['is not root by another name', [ROOT, 'postgres:x:0:0::/:', NOBODY], undefined, 'nobody'],
    ['is not the sandbox’s', [ROOT, `postgres:x:${INSIDE_UID}:5::/:`, NOBODY], undefined, 'nobody'],
    ['is the owner of the data', [ROOT, NOBODY, POSTGRES, ALICE], 1000, 'alice'],
    ['passes over lines that are none', ['', '+::::::', '# x', NOBODY], undefined, 'nobody'],
  ])('%s', (_, lines, owner, name) => {
    expect(pickUser(lines.join('\n'), DATA, owner).name).toBe(name);
  });

  test('comes with its ids', () => {
    expect(pickUser(`${ROOT}\n${POSTGRES}\n`, DATA)).toEqual({ name: 'postgres', uid: 101, gid: 104 });
  });

  test('must be there', () => {
    expect(() => pickUser(`${ROOT}\n${ALICE}\n`, DATA)).toThrow(
      expect.objectContaining({
        code: 'environment',
        message: expect.stringContaining('neither a user `postgres` nor `nobody`'),
      }),
    );
  });

  test.each([0, INSIDE_UID, 4711])('cannot be the owner of the data when that is %s', (owner) => {
    const passwd = `${ROOT}\nx:x:${INSIDE_UID}:1::/:\n${POSTGRES}\n`;
    expect(() => pickUser(passwd, DATA, owner)).toThrow(
      expect.objectContaining({
        code: 'environment',
        message: expect.stringContaining(`${DATA} belongs to user ${owner}`),
        hint: expect.stringContaining(`chown -R postgres: ${DATA}`),
      }),
    );
  });
});
