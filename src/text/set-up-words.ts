import { formatDuration } from './amounts.ts';

/** Which set-up was reused: `1f2e3d4c5b6a, made 2m 05s ago`. */
export function reuseText({ key, ageMs }: { readonly key: string; readonly ageMs: number }): string {
  return `${key.slice(0, 12)}, made ${formatDuration(ageMs)} ago`;
}

const LAYERINGS = {
  overlay: 'set-up is shared by overlays',
  reflink: 'set-up is shared by copies',
  none: 'set-up runs in each worktree',
} as const;

/** How what set-up leaves behind is given to many worktrees. */
export function layeringText(layering: keyof typeof LAYERINGS): string {
  return LAYERINGS[layering];
}
