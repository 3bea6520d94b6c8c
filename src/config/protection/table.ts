import { ASKED_PATHS } from './asked-paths.ts';
import type { ProtectionEntry } from './entry.ts';
import { RESTORED_PATHS } from './restored-paths.ts';
import { TOLD_PATHS } from './told-paths.ts';

/** What is protected where nobody says otherwise. */
export const PROTECTION_TABLE: readonly ProtectionEntry[] = [
  ...RESTORED_PATHS,
  ...ASKED_PATHS,
  ...TOLD_PATHS,
];
