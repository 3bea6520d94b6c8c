import { describe, expect, test } from 'vitest';
import { type PullTruths, pullTruths } from '../../../../src/github/render/pull-truths.ts';

const NONE: PullTruths = { noBase: null, rejected: [], lost: null, also: [] };
const said = (truths: Partial<PullTruths>): string => pullTruths('api', { ...NONE, ...truths }).join('\n\n');

describe('the text of a pull request', () => {
  test('says nothing where nothing is special', () => {
    expect(said({})).toBe('');
  });

  test('above a rejected one names it, and the two ways on', () => {
    const text = said({ rejected: [{ unit: 'db', number: 7 }] });
    expect(text).toContain('**It stands on `db`**');
    expect(text).toContain('reopen #7 or comment `/choo retry db`');
    expect(text).toContain(
      'take `db` out of what `api` depends on in its specs, and comment `/choo run api`',
    );
    expect(said({ rejected: [{ unit: 'db', number: null }] })).not.toContain('#');
  });

  test('without a base branch says why, in the words of the host, which act nowhere', () => {
    const reason = 'GH013: <b>@team</b> closes #1 ![x](https://e.example/x)';
    const text = said({ noBase: { kind: 'refused', reason } });
    expect(text).toContain('GH013');
    expect(text).not.toMatch(/<b>|!\[|(?<![\w`])@team/);
    expect(said({ noBase: { kind: 'deleted' } })).toContain('deleted again and again');
    // That is its verdict.
    expect(said({ noBase: { kind: 'conflict' } })).toBe('');
  });

  test('names the whole of a head that a push replaced, and the units merged into its branch', () => {
    expect(said({ lost: 'a'.repeat(40) })).toContain(`\`${'a'.repeat(40)}\``);
    expect(said({ also: ['db'] })).toContain('`db` was merged into this branch');
    expect(said({ also: ['db', 'ui'] })).toContain('`db`, `ui` were merged into this branch');
  });
});
