import { partOf } from '../helpers/long-part.ts';
import { ROWS } from '../helpers/pulls/rows.ts';
import { testRows } from '../helpers/pulls/test-rows.ts';

testRows(
  partOf(
    ROWS.filter(({ shape }) => shape === 'chain'),
    4,
  ),
);
