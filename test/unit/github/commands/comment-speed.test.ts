import { describe, expect, test } from 'vitest';
import { parseCommands } from '../../../../src/github/commands/parse-commands.ts';
import { cpuMs } from '../../../helpers/cpu-time.ts';

const MOST = 65_536;

describe('a comment', () => {
  test.each(
    [
      '`',
      '` ',
      '`a``b',
      '\n`',
      '<!--',
      '<!-- ',
      '<!-->',
      '\n<!--\n',
      '>',
      '> ',
      '>\n',
      '- ',
      '-\n',
      '* ',
      '1. ',
      '\t',
      '  \n',
      '[',
      '![',
      '](',
      '[a](',
      '<',
      '<a b="',
      '<a b=\' c="',
      '<a\n',
      '<details>\n\n',
      '</details>',
      '\\`',
      '\r',
      '~~~\n',
      '```\n',
      '/choo ',
      '/choo run\n',
      '/choo \u200B',
      '/choo run --provider ',
      '\u202E',
      '😀',
      '<!--\n\n- ',
      '=',
      '-',
      '***',
      '_ ',
      '# ',
    ].map((piece) => [piece]),
  )('of 65,536 characters of %j is read at once', async (piece) => {
    const long = piece.repeat(Math.ceil(MOST / piece.length)).slice(0, MOST);
    const ends = `- `.repeat(40) + piece.repeat(Math.ceil(MOST / piece.length)).slice(0, MOST);
    const took = await cpuMs(() => [long, `/choo run ${long}`, ends].map((text) => parseCommands(text)));
    expect(took).toBeLessThan(1_000);
  });
});
