import { describe, expect, test } from 'vitest';
import { PROVIDER_NAMES, type ProviderName } from '../../../src/provider/by-name.ts';
import {
  chooseProvider,
  type ProviderSource,
  type ProviderCandidates,
} from '../../../src/provider/factory.ts';

/** Every source with a wish of its own, strongest first. */
const WISHES: readonly (readonly [source: ProviderSource, name: ProviderName])[] = [
  ['forced', 'claude'],
  ['unit', 'codex'],
  ['request', 'gemini'],
  ['environment', 'opencode'],
  ['configuration', 'rehearsal'],
];

/** The wishes of one source and all weaker ones; the stronger ones say `silence`. */
function wishesFrom(strongest: number, silence?: ''): ProviderCandidates {
  return Object.fromEntries(WISHES.map(([source, name], at) => [source, at < strongest ? silence : name]));
}

describe('the provider of a unit', () => {
  test.each(WISHES.map(([source, provider], at) => [source, provider, at] as const))(
    'is what `%s` says (%s) when nothing stronger does, and it says who decided',
    (source, provider, at) => {
      expect(chooseProvider(wishesFrom(at))).toEqual({ ok: true, provider, source });
    },
  );

  test.each(WISHES.map(([source, provider], at) => [source, provider, at] as const))(
    'is what `%s` says (%s) when everything stronger is empty text',
    (source, provider, at) => {
      expect(chooseProvider(wishesFrom(at, ''))).toEqual({ ok: true, provider, source });
    },
  );

  test.each([
    ['nobody says anything', {}],
    ['everybody says nothing', wishesFrom(WISHES.length, '')],
    ['every word is absent', wishesFrom(WISHES.length, undefined)],
  ])('is claude by default when %s', (_, wishes) => {
    expect(chooseProvider(wishes)).toEqual({ ok: true, provider: 'claude', source: 'default' });
  });
});

describe('a provider that nobody knows', () => {
  test.each([
    ['cluade', 'did you mean `claude`?'],
    ['Codex', 'did you mean `codex`?'],
    ['gpt', `one of: ${PROVIDER_NAMES.join(', ')}`],
    [' ', `one of: ${PROVIDER_NAMES.join(', ')}`],
  ])('(`%s`) is refused with what to write instead', (got, hint) => {
    expect(chooseProvider({ unit: got })).toEqual({
      ok: false,
      reason: 'unknown',
      got,
      source: 'unit',
      hint,
    });
  });

  test.each(WISHES.map(([source]) => source))('is refused when `%s` names it, not replaced', (source) => {
    const wishes = { ...wishesFrom(WISHES.findIndex(([each]) => each === source)), [source]: 'none' };
    expect(chooseProvider(wishes)).toMatchObject({ ok: false, reason: 'unknown', got: 'none', source });
  });

  test('does no harm where a stronger word decides', () => {
    expect(chooseProvider({ forced: 'gemini', unit: 'none' })).toMatchObject({
      ok: true,
      provider: 'gemini',
    });
  });
});

describe('a provider that the operator does not allow', () => {
  test('is refused with those that are allowed, though a weaker wish could be had', () => {
    expect(chooseProvider({ unit: 'codex', request: 'claude' }, ['claude', 'gemini'])).toEqual({
      ok: false,
      reason: 'forbidden',
      got: 'codex',
      source: 'unit',
      hint: 'allowed here: claude, gemini',
    });
  });

  test('is refused as the default too', () => {
    expect(chooseProvider({}, ['codex'])).toMatchObject({
      reason: 'forbidden',
      got: 'claude',
      source: 'default',
    });
  });

  test('is any at all when the list is empty', () => {
    expect(chooseProvider({ forced: 'codex' }, [])).toMatchObject({
      reason: 'forbidden',
      hint: 'allowed here: none',
    });
  });

  test('is told from one that nobody knows', () => {
    expect(chooseProvider({ unit: 'gemni' }, ['claude'])).toMatchObject({
      reason: 'unknown',
      hint: 'did you mean `gemini`?',
    });
  });

  test('is none of those on the list', () => {
    expect(chooseProvider({ unit: 'codex' }, ['codex'])).toEqual({
      ok: true,
      provider: 'codex',
      source: 'unit',
    });
  });
});
