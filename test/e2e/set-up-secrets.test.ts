import { describe, expect, test } from 'vitest';
import { steal } from '../helpers/secret-project.ts';
import { SANDBOXES } from '../helpers/sandboxes.ts';

describe.runIf(SANDBOXES.includes('bubblewrap'))('a credential for set-up', () => {
  test('is found by no script that an agent wrote', { timeout: 240_000 }, async () => {
    await expect(steal('bubblewrap')).resolves.toBeUndefined();
  });
});
