import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { PROVIDERS } from '../../../../src/provider/by-name.ts';
import { findMissingProviders } from '../../../../src/worker/agent/agents.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

afterEach(() => void vi.unstubAllEnvs());

test('a provider is missing without its program, and without any of its keys', async () => {
  await using place = await temporaryDirectory();
  const keys = PROVIDERS.claude.variables.filter(({ secret }) => secret).map(({ name }) => name);
  for (const name of keys) vi.stubEnv(name, '');
  const find = () => findMissingProviders(place.path, ['claude']).get('claude')?.message;
  expect(find()).toBe('`claude` is not on its PATH');
  await writeFile(join(place.path, 'claude'), '#!/bin/sh\n');
  await chmod(join(place.path, 'claude'), 0o755);
  expect(find()).toBe('it has no key');
  vi.stubEnv(keys[0] ?? '', 'sk-x');
  expect(find()).toBeUndefined();
});
