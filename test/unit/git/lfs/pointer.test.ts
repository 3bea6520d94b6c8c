import { expect, test } from 'vitest';
import { lfsEndpoint } from '../../../../src/git/lfs/lfs-host.ts';
import { contentPath, pointerText, readPointer } from '../../../../src/git/lfs/pointer.ts';

const OID = '4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393';
const TEXT = `version https://git-lfs.github.com/spec/v1\noid sha256:${OID}\nsize 12345\n`;

test('a pointer is read and written in one form', () => {
  const pointer = readPointer(Buffer.from(TEXT));
  expect(pointer).toEqual({ oid: OID, size: 12_345 });
  expect(pointer && pointerText(pointer)).toBe(TEXT);
  expect(contentPath('/at', { oid: OID })).toBe(`/at/4d/7a/${OID}`);
});

test.each([
  [
    'a path for a name',
    TEXT.replace(OID, '../../../../../../../../../../../../../../../../etc/passwd/0000000000'),
  ],
  ['a name in capitals', TEXT.replace(OID, OID.toUpperCase())],
  ['a shorter name', TEXT.replace(OID, OID.slice(1))],
  ['another hash', TEXT.replace('sha256', 'sha512')],
  ['a negative size', TEXT.replace('12345', '-1')],
  ['a size that no number holds', TEXT.replace('12345', '9'.repeat(16))],
  ['a size with zeros', TEXT.replace('12345', '012')],
  ['line ends of Windows', TEXT.replaceAll('\n', '\r\n')],
  ['more after it', `${TEXT}x`],
  ['more before it', `\n${TEXT}`],
  ['an extension', TEXT.replace('oid', `ext-0-run sha256:${OID}\noid`)],
  ['another version', TEXT.replace('git-lfs.github.com', 'evil.example')],
  ['too much', TEXT + ' '.repeat(1_024)],
])('%s is no pointer', (_, text) => {
  expect(readPointer(Buffer.from(text))).toBeUndefined();
});

test.each([
  ['https://host.example/owner/name', 'https://host.example/owner/name.git/info/lfs'],
  ['https://host.example/owner/name.git', 'https://host.example/owner/name.git/info/lfs'],
  ['http://localhost:8080/name.git/', 'http://localhost:8080/name.git/info/lfs'],
  ['git@host.example:owner/name.git', undefined],
  ['ssh://git@host.example/owner/name', undefined],
  ['/srv/name.git', undefined],
])('the contents of %s are asked for at %s', (remote, endpoint) => {
  expect(lfsEndpoint(remote)).toBe(endpoint);
});
