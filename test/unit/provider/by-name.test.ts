import { describe, expect, test } from 'vitest';
import { createProvider, PROVIDER_NAMES, PROVIDERS } from '../../../src/provider/by-name.ts';
import { installationHint } from '../../../src/provider/provider.ts';

const NAMES = `the providers are ${PROVIDER_NAMES.join(', ')}`;

describe('the registry of providers', () => {
  test.each(PROVIDER_NAMES)('knows %s', (name) => {
    const provider = createProvider(name);
    expect(provider.name).toBe(name);
    expect(provider.title).not.toBe('');
    expect(installationHint(provider)).not.toBe('');
    expect(provider.authentication).not.toBe('');
  });

  test.each(PROVIDER_NAMES)(
    'gives %s the network together with a key and what steers it, or neither',
    (name) => {
      const { profile, variables, steeredBy } = createProvider(name);
      expect(profile).toBe(name === 'rehearsal' ? 'gate' : 'agent');
      expect(variables.some(({ secret }) => secret)).toBe(profile === 'agent');
      expect(steeredBy.length > 0).toBe(profile === 'agent');
    },
  );

  test.each(PROVIDER_NAMES)('has for %s names that can stand anywhere in a repository', (name) => {
    expect(createProvider(name).steeredBy.filter((each) => !/^[\w.-]+$/.test(each))).toEqual([]);
  });

  test('has one price for a model', () => {
    const models = Object.values(PROVIDERS).flatMap(({ prices = {} }) => Object.keys(prices));
    expect(models).toEqual([...new Set(models)]);
  });

  test('says of every variable that looks like a secret that it is one', () => {
    for (const { name, secret } of PROVIDER_NAMES.flatMap((name) => createProvider(name).variables)) {
      expect([name, secret]).toEqual([name, /KEY|TOKEN|SECRET|PASSWORD|^HTTPS?_PROXY/.test(name)]);
    }
  });

  test.each([
    ['cluade', `did you mean \`claude\`? ${NAMES}`],
    ['gpt-engineer', NAMES],
    ['constructor', NAMES],
    ['', NAMES],
  ])('does not know %j', (name, hint) => {
    expect(() => createProvider(name)).toThrow(
      expect.objectContaining({ code: 'usage', message: `there is no provider \`${name}\``, hint }),
    );
  });
});
