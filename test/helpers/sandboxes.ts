import { existsSync } from 'node:fs';

/** What is there to run agents in. CI installs bubblewrap; a machine without it tests the rest, and says so. */
export const SANDBOXES: readonly ('host' | 'bubblewrap')[] =
  ['/usr/bin/bwrap', '/usr/local/bin/bwrap'].some((path) => existsSync(path)) ||
  process.env['CI'] !== undefined
    ? ['bubblewrap', 'host']
    : ['host'];

if (!SANDBOXES.includes('bubblewrap')) console.warn('bubblewrap is not installed: its tests are left out');
