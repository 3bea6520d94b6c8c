import stringWidth from 'fast-string-width';
import process from 'node:process';
import type { RunState } from '../../events/state.ts';
import type { Paint } from '../../text/terminal-layout.ts';
import { renderLive } from './live-lines.ts';

/** A run on a terminal, redrawn in place. */
export interface LiveView {
  readonly update: (state: RunState) => void;
  /** What a unit's agent or command does right now. Text of any origin. */
  readonly activity: (unit: string, text: string) => void;
  /** Prints lines above the units, where they stay. What is from elsewhere in them must be printable already. */
  readonly notice: (line: string) => void;
  /** Leaves the last state on the screen. */
  readonly stop: () => void;
}

export interface LiveViewParts {
  readonly stream: NodeJS.WriteStream;
  readonly paint: Paint;
  readonly now: () => number;
}

/** Redrawn no more often than this, and at least each second while units run. */
const FRAME_MS = 100;
const SECOND_MS = 1000;

/** More of what is said is never seen. */
const ACTIVITY_LENGTH = 300;

const HIDE_CURSOR = '\x1B[?25l';
const SHOW_CURSOR = '\x1B[?25h';
/** Terminals that know these two show a frame at once, not line by line; the others pass them by. */
const BEGIN_FRAME = '\x1B[?2026h';
const END_FRAME = '\x1B[?2026l';
const CLEAR_LINE_END = '\x1B[K';
const CLEAR_BELOW = '\x1B[J';

/** Shows a run on a terminal. Its timers keep no process alive. */
export function createLiveView({ stream, paint, now }: LiveViewParts): LiveView {
  const activities = new Map<string, string>();
  let state: RunState | undefined;
  /** The widths of the lines on the screen, as they were drawn; the cursor is at the end of the last. */
  let drawn: readonly number[] = [];
  let lastFrame = 0;
  let soon: NodeJS.Timeout | undefined;
  let everySecond: NodeJS.Timeout | undefined;
  let stopped = false;

  // The last column stays empty: terminals differ in where the cursor is after something was printed there.
  const columns = (): number => Math.max(20, (stream.columns || 80) - 1);

  /** Back to the start of the first line, however many rows the lines take by now: a narrower terminal has folded them. */
  const toStart = (): string => {
    const rows = drawn.reduce(
      (sum, width) => sum + Math.max(1, Math.ceil(width / (stream.columns || 80))),
      0,
    );
    return drawn.length === 0 ? '' : `\r${rows > 1 ? `\x1B[${rows - 1}A` : ''}`;
  };

  const draw = (above = ''): void => {
    clearTimeout(soon);
    soon = undefined;
    if (stopped || state === undefined) {
      stream.write(above);
      return;
    }
    const lines = renderLive(state, activities, {
      width: columns(),
      rows: Math.max(3, (stream.rows || 24) - 1),
      paint,
      now: now(),
    });
    const body = lines.join(`${CLEAR_LINE_END}\n`);
    const start = drawn.length === 0 ? HIDE_CURSOR : toStart();
    const top = above.replaceAll('\n', `${CLEAR_LINE_END}\n`);
    stream.write(`${BEGIN_FRAME}${start}${top}${body}${CLEAR_BELOW}${END_FRAME}`);
    drawn = lines.map((line) => stringWidth(line)); // colours take no room
    lastFrame = performance.now();
  };

  const drawSoon = (): void => {
    if (stopped || soon !== undefined) return;
    const wait = Math.max(0, lastFrame + FRAME_MS - performance.now());
    soon = setTimeout(draw, wait).unref();
  };

  const onResize = (): void => drawSoon();
  // Whatever ends the process, the cursor comes back.
  const onExit = (): void => void (drawn.length > 0 && stream.write(SHOW_CURSOR));
  stream.on('resize', onResize);
  process.once('exit', onExit);

  return {
    update: (next) => {
      state = next;
      everySecond ??= setInterval(drawSoon, SECOND_MS).unref();
      drawSoon();
    },
    activity: (unit, text) => {
      activities.set(unit, text.slice(0, ACTIVITY_LENGTH));
      drawSoon();
    },
    notice: (line) => draw(`${line}\n`),
    stop: () => {
      if (stopped) return;
      draw();
      stopped = true;
      clearInterval(everySecond);
      stream.off('resize', onResize);
      process.off('exit', onExit);
      if (drawn.length > 0) stream.write(`\n${SHOW_CURSOR}`);
    },
  };
}
