import { expect, test } from 'vitest';
import { marker } from '../../../../src/github/api/marker.ts';

test.each([
  ['run0000001', '<!-- choo:run run0000001 -->'],
  ['main a-b', '<!-- choo:run main%20a%2Db -->'],
  ['--> <!-- choo:run x', '<!-- choo:run %2D%2D%3E%20%3C!%2D%2D%20choo%3Arun%20x -->'],
  ['\ud800\n', '<!-- choo:run %EF%BF%BD%0A -->'],
])('the key %j can neither end the mark nor forge another', (key, expected) => {
  expect(marker('run', key)).toBe(expected);
});

test('long keys stay short and apart', () => {
  const [one, other] = ['a', 'b'].map((end) => marker('unit', 'ü'.repeat(200) + end));
  expect(one).not.toBe(other);
  expect(one?.length).toBeLessThan(300);
});
