import { existsSync } from 'node:fs';

/** What is there to run agents in. CI installs bubblewrap; a machine without it tests the rest, and says so. */
export const SANDBOXES: readonly ('host' | 'bubblewrap')[] =
  ['/usr/bin/bwrap', '/usr/local/bin/bwrap'].some((path) => existsSync(path)) ||
  process.env['CI'] !== undefined
    ? ['bubblewrap', 'host']
    : ['host'];

/** Whether it can be recorded what gates open. CI installs it. */
export const HAS_INOTIFYWAIT =
  ['/usr/bin/inotifywait', '/usr/local/bin/inotifywait'].some((path) => existsSync(path)) ||
  process.env['CI'] !== undefined;

if (!HAS_INOTIFYWAIT) console.warn('inotifywait is not installed: what gates open is not tested');
if (!SANDBOXES.includes('bubblewrap')) console.warn('bubblewrap is not installed: its tests are left out');
