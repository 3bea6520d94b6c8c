import { ROWS } from '../helpers/pulls/rows.ts';
import { testRows } from '../helpers/pulls/test-rows.ts';

testRows(ROWS.filter(({ shape }) => shape === 'pair'));
