import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PROVIDER_NAMES } from '../../../../src/config/schema.ts';
import { COMMAND_NAMES, offeredCommands, USAGE } from '../../../../src/github/commands/commands.ts';
import { parseCommands } from '../../../../src/github/commands/parse-commands.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';
const RUN = { kind: 'run', commit: null, units: [], provider: null, forceProvider: null };
const RETRY = { kind: 'retry', words: [], task: null, fresh: false, same: false };

/** The commands of a comment without their lines. */
const read = (body: string) => parseCommands(body).map(({ line: _line, ...command }) => command);

describe('a command', () => {
  test.each<[string, object]>([
    ['/choo run', RUN],
    ['/choo\trun \t', RUN],
    ['/Choo RUN --Provider=Claude', { ...RUN, provider: 'claude' }],
    ['/choo run auth Billing.v2', { ...RUN, units: ['auth', 'Billing.v2'] }],
    ['/choo run auth auth', { ...RUN, units: ['auth'] }],
    [`/choo run ${SHA} auth`, { ...RUN, commit: SHA, units: ['auth'] }],
    [`/choo run ${SHA.toUpperCase()}`, { ...RUN, commit: SHA }],
    [`/choo run --provider codex ${SHA}`, { ...RUN, commit: SHA, provider: 'codex' }],
    [`/choo run ${SHA}${SHA.slice(0, 24)}`, { ...RUN, commit: SHA + SHA.slice(0, 24) }],
    ['/choo run 0123456', { ...RUN, units: ['0123456'] }],
    [`/choo run ${SHA}0`, { ...RUN, units: [`${SHA}0`] }],
    [`/choo run auth ${SHA}`, { ...RUN, units: ['auth', SHA] }],
    [
      '/choo run --provider codex a --force-provider=gemini b',
      { ...RUN, units: ['a', 'b'], provider: 'codex', forceProvider: 'gemini' },
    ],
    ['/choo plan', { kind: 'plan' }],
    ['/choo status', { kind: 'status' }],
    ['/choo help', { kind: 'help' }],
    ['/choo', { kind: 'help' }],
    ['/choo cancel', { kind: 'cancel', words: [] }],
    ['/choo cancel auth web', { kind: 'cancel', words: ['auth', 'web'] }],
    ['/choo cancel all', { kind: 'cancel', words: ['all'] }],
    ['/choo skip auth web auth', { kind: 'skip', words: ['auth', 'web'] }],
    ['/choo update', { kind: 'update', words: [] }],
    ['/choo update auth', { kind: 'update', words: ['auth'] }],
    ['/choo fix', { kind: 'fix', words: '', checks: false }],
    [
      '/choo fix the name, -- and --this too',
      { kind: 'fix', words: 'the name, -- and --this too', checks: false },
    ],
    ['/choo fix CI', { kind: 'fix', words: '', checks: true }],
    ['/choo fix ci now', { kind: 'fix', words: 'ci now', checks: false }],
    ['/choo retry', RETRY],
    ['/choo retry auth web', { ...RETRY, words: ['auth', 'web'] }],
    ['/choo retry --fresh auth/12', { ...RETRY, words: ['auth'], task: 12, fresh: true }],
    ['/choo retry auth --from 12 --same', { ...RETRY, words: ['auth'], task: 12, same: true }],
    ['/choo retry auth --from=3', { ...RETRY, words: ['auth'], task: 3 }],
  ])('%s', (line, command) => {
    expect(read(line)).toEqual([command]);
  });

  test.each(USAGE.map(({ form }) => [form]))('%s, as the table says', (form) => {
    const shortest = form.replaceAll(/ \[[^\]]*\]?\]/g, '').replace(/UNIT…?/, 'auth');
    const longest = form
      .replaceAll(/[[\]]/g, '')
      .replace('SHA', SHA)
      .replace('UNIT…', 'auth billing')
      .replace('UNIT', 'auth')
      .replace('TASK', '3')
      .replaceAll(' X', ' codex');
    const kind = form.split(' ')[1];
    expect(read(`${shortest}\n\n${longest}`)).toMatchObject([{ kind }, { kind }]);
  });
});

describe('a status comment', () => {
  const offer = (run: object) =>
    offeredCommands({ isOver: true, isComplete: false, failed: [], ...run }).join(', ');

  test.each([
    ['is under way', { isOver: false, failed: ['api'] }, '/choo status, /choo cancel'],
    ['is complete', { isComplete: true }, '/choo run'],
    ['ended without a failure', {}, '/choo run, /choo retry'],
    [
      'ended with failures',
      { failed: ['api', 'web'] },
      '/choo retry api, /choo retry web, /choo retry api --fresh, /choo skip api, /choo run, /choo retry',
    ],
  ])('of a run that %s offers what helps', (_, run, offered) => {
    expect(offer(run)).toBe(offered);
  });

  test('offers only commands that there are', () => {
    const failed = ['a', 'b', 'c', 'd', 'e', 'f'];
    const offered = [true, false].flatMap((isOver) => [
      ...offeredCommands({ isOver, isComplete: false, failed }),
    ]);
    expect(offered.flatMap(read).filter(({ kind }) => kind === 'problem')).toEqual([]);
    expect(offered).toHaveLength(11);
  });
});

test.each(COMMAND_NAMES.map((name) => [name]))('%s is close to itself with a letter too many', (name) => {
  expect(read(`/choo ${name}x`)).toMatchObject([{ kind: 'problem', hint: `did you mean \`${name}\`?` }]);
});

describe('a line that is told about', () => {
  test.each<[string, string, string | null]>([
    ['/choo rnu', 'there is no command `rnu`', 'did you mean `run`?'],
    ['/choo --upload-pack=x', 'there is no command `--upload-pack=x`', `one of: ${COMMAND_NAMES.join(', ')}`],
    ['/choo plan now', 'nothing belongs behind `plan`', 'leave out `now`'],
    ['/choo retry a/1 b', '`a/1` is no name of a unit', 'a unit is named as its directory below the specs'],
    ['/choo retry a --from', '`--from` needs a value', 'it is a whole number from 1'],
    ['/choo retry a --from 0', '`0` is no task for `--from`', 'it is a whole number from 1'],
    ['/choo retry a/1 --from 2', '`--from` and `a/1` both name a task', 'leave out one of them'],
    ['/choo skip', '`skip` needs the name of a unit', 'write `/choo skip` and the name'],
    ['/choo skip ../x', '`../x` is no name of a unit', 'a unit is named as its directory below the specs'],
    ['/choo run a/b', '`a/b` is no name of a unit', 'a unit is named as its directory below the specs'],
    ['/choo run a..b', '`a..b` is no name of a unit', 'a unit is named as its directory below the specs'],
    [
      '/choo run --upload-pack=x',
      'there is no option `--upload-pack=x` here',
      'one of: --provider, --force-provider',
    ],
    ['/choo run -x', 'there is no option `-x` here', 'one of: --provider, --force-provider'],
    ['/choo run --provder codex', 'there is no option `--provder` here', 'did you mean `--provider`?'],
    ['/choo run —provider codex', 'there is no option `—provider` here', 'did you mean `--provider`?'],
    ['/choo run --provider codx', '`codx` is no provider for `--provider`', 'did you mean `codex`?'],
    [
      '/choo run --force-provider=codx',
      '`codx` is no provider for `--force-provider`',
      'did you mean `codex`?',
    ],
    ['/choo run --provider', '`--provider` needs a value', `one of: ${PROVIDER_NAMES.join(', ')}`],
    ['/choo run --provider=', '`--provider` needs a value', `one of: ${PROVIDER_NAMES.join(', ')}`],
    ['/choo run --provider codex --provider=codex', '`--provider` stands there twice', null],
    ['/choo skip --fresh', 'there is no option `--fresh` here', null],
    ['/choo retry --fresh=yes', 'there is no option `--fresh=yes` here', 'did you mean `--fresh`?'],
    ['/choo retry a/0', '`0` is no number of a task', 'it is a whole number from 1'],
    ['/choo retry a/1e3', '`1e3` is no number of a task', 'it is a whole number from 1'],
    ['/choo retry a/1/2', '`1/2` is no number of a task', 'it is a whole number from 1'],
    ['/choo retry /1', '`/1` is no name of a unit', 'a unit is named as its directory below the specs'],
  ])('%s', (line, message, hint) => {
    expect(read(line)).toEqual([{ kind: 'problem', message, hint }]);
  });

  test.each([
    ['a byte order mark', '\uFEFF/choo run'],
    ['a zero-width space in the name', '/ch\u200Boo run'],
    ['a zero-width space in a unit', '/choo run au\u200Bth'],
    ['a bidirectional control', '/choo run \u202Eauth'],
    ['a control character', '/choo run \u0007auth'],
    ['a tag letter', '/choo run auth\u{E0041}'],
  ])('%s is no part of a command', (_, line) => {
    expect(read(line)).toMatchObject([
      { kind: 'problem', message: expect.stringMatching(/^the command has an? .*U\+/) as string },
    ]);
  });

  test('what was written is cut and harmless', () => {
    expect(read(`/choo run a\`\n\n/choo run ${'é'.repeat(50)}`)).toMatchObject([
      { message: "`a'` is no name of a unit" },
      { message: `\`${'é'.repeat(39)}…\` is no name of a unit` },
    ]);
  });

  test('a task that is not named is none', () => {
    expect(parseCommands('/choo retry a/')).toMatchObject([
      { kind: 'problem', message: 'nothing is no number of a task' },
    ]);
  });

  test('no message or hint has a second line, an open backquote or a slash in front', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('`', '/', '@', '-', '=', 'a', ' ', '\u200B', '\uD800', '…'),
    });
    fc.assert(
      fc.property(fc.constantFrom('', 'run ', 'retry ', 'skip ', 'plan '), hostile, (verb, rest) => {
        const [command] = parseCommands(`/choo ${verb}${rest}`);
        const texts = command?.kind === 'problem' ? [command.message, command.hint ?? ''] : [];
        const isHarmless = (text: string) =>
          /^(?!\/)(?:[^`\n\r]|`[^`\n\r]+`)*$/.test(text) && text.isWellFormed();
        expect(texts.every(isHarmless)).toBe(true);
      }),
    );
  });
});
