import { styleText } from 'node:util';
import { escapeHiddenInJson } from '../text/hidden-text.ts';
import type { Medium, Paint } from '../text/terminal-layout.ts';

/** Where a command writes: results on `out`, everything else on `note`. */
export interface Terminal extends Medium {
  /** A person is looking: lines are cut to the window, excerpts are shown. */
  readonly interactive: boolean;
  readonly out: (text: string) => void;
  /** Prints a value as JSON, for scripts; nothing in it is obeyed by a terminal. */
  readonly json: (value: unknown) => void;
  readonly notice: (text: string) => void;
}

/** The terminal of a process. Colours only where they are seen and wanted (NO_COLOR and FORCE_COLOR are obeyed). */
export function openTerminal(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Terminal {
  const interactive = stdout.isTTY;
  const paint: Paint = (style, text) => styleText(style, text, { stream: stdout });
  return {
    interactive,
    width: interactive ? Math.max(40, stdout.columns) : Number.POSITIVE_INFINITY,
    paint,
    out: (text) => void stdout.write(text),
    json: (value) => void stdout.write(`${escapeHiddenInJson(JSON.stringify(value, undefined, 2))}\n`),
    notice: (text) => void stderr.write(text),
  };
}
