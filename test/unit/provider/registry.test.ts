import { describe, expect, test } from 'vitest';
import { PROVIDER_NAMES } from '../../../src/config/schema.ts';
import { createProvider } from '../../../src/provider/registry.ts';

describe('the registry of providers', () => {
  test.each(PROVIDER_NAMES)('knows %s', (name) => {
    const provider = createProvider(name);
    expect(provider.name).toBe(name);
    expect(provider.installation).not.toBe('');
    expect(provider.authentication).not.toBe('');
  });

  test('gives every provider but the rehearsal the network and a key', () => {
    for (const name of PROVIDER_NAMES) {
      const { profile, variables } = createProvider(name);
      expect(profile).toBe(name === 'rehearsal' ? 'gate' : 'agent');
      expect(variables.some(({ secret }) => secret)).toBe(name !== 'rehearsal');
    }
  });

  test('says of every variable that looks like a secret that it is one', () => {
    for (const { name, secret } of PROVIDER_NAMES.flatMap((name) => createProvider(name).variables)) {
      expect([name, secret]).toEqual([name, /KEY|TOKEN|^HTTPS?_PROXY/.test(name)]);
    }
  });

  test.each([
    ['cluade', 'did you mean `claude`? the providers are claude, codex, gemini, opencode, rehearsal'],
    ['gpt-engineer', 'the providers are claude, codex, gemini, opencode, rehearsal'],
    ['constructor', 'the providers are claude, codex, gemini, opencode, rehearsal'],
    ['', 'the providers are claude, codex, gemini, opencode, rehearsal'],
  ])('does not know %j', (name, hint) => {
    expect(() => createProvider(name)).toThrow(
      expect.objectContaining({ code: 'usage', message: `there is no provider \`${name}\``, hint }),
    );
  });
});
