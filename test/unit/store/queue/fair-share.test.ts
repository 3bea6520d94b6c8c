import { expect, test } from 'vitest';
import { aboveFairShare } from '../../../../src/store/queue/fair-share.ts';

/** `3` has three slots; `+` says that more of it waits. */
const above = (loads: Readonly<Record<string, string>>): readonly string[] => [
  ...aboveFairShare(
    Object.entries(loads).map(([installation, load]) => ({
      installation,
      held: Number.parseInt(load, 10),
      waits: load.endsWith('+'),
    })),
  ),
];

test.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
  ['nobody has anything', {}, []],
  ['one has all, and more of its own waits', { a: '2+' }, []],
  ['one has more than another, which waits for nothing', { a: '3+', b: '1' }, []],
  ['one has all, and another waits', { a: '2', b: '0+' }, ['a']],
  ['there is one slot', { a: '1+', b: '0+' }, ['a']],
  ['there are fewer slots than installations', { a: '1', b: '1', c: '0+' }, ['a', 'b']],
  ['two cannot be divided further', { a: '2+', b: '1+' }, []],
  ['one has more than its share, and another less', { a: '5+', b: '2', c: '1+' }, ['a']],
  ['all have their share, and all wait', { a: '2+', b: '2+' }, []],
])('%s', (_, loads, expected) => {
  expect(above(loads)).toEqual(expected);
});
