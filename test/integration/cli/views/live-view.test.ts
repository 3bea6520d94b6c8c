import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { createLiveView } from '../../../../src/cli/views/live-view.ts';
import { foldEvents } from '../../../../src/events/state.ts';
import { factsOf, numbered, plannedUnit, started } from '../../../helpers/run-events.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';
import { hasTmux, openScreen, type Screen } from '../../../helpers/tmux.ts';

const PROGRAM = `${process.execPath} ${fileURLToPath(new URL('../../../fixtures/show-live-view.ts', import.meta.url))}`;
const tmux = await hasTmux();

/** Waits until the screen shows something, and returns it. */
async function see(screen: Screen, pattern: RegExp, history = false): Promise<string[]> {
  let lines: string[] = [];
  await vi.waitFor(
    async () => {
      lines = await screen.read(history);
      expect(lines.join('\n')).toMatch(pattern);
    },
    { timeout: 20_000, interval: 50 },
  );
  return lines;
}

const countOf = (lines: readonly string[], pattern: RegExp): number =>
  lines.filter((line) => pattern.test(line)).length;

describe.skipIf(!tmux)('the live view in a terminal (needs tmux)', () => {
  test('is redrawn in its place, with notes above it, and stays when it ends', async () => {
    await using place = await temporaryDirectory();
    await using screen = await openScreen(place.path, `${PROGRAM} 6`);
    await see(screen, /before the view/);
    await screen.press('Enter');
    await see(screen, /2 running, 4 waiting/);
    expect(await screen.cursorIsVisible()).toBe(false);
    await screen.press('Enter');
    await see(screen, /agent: reads <U\+001B>/);
    await screen.press('Enter');
    await see(screen, /a note, once/);
    await screen.press('Enter');
    await see(screen, /200 tokens/);
    await screen.press('Enter');
    await see(screen, /END/);
    await screen.press('Enter');
    await see(screen, /6 done/);
    await screen.press('Enter');
    const lines = await see(screen, /after the view/, true);
    expect(await screen.cursorIsVisible()).toBe(true);
    const told = lines.map((line) => line.replace(/ {2,}.*/, ''));
    expect(told).toEqual([
      'before the view',
      'a note, once',
      expect.stringMatching(/^a long note/), // folded by the terminal
      expect.stringMatching(/END$/),
      ...Array.from({ length: 6 }, (_, at) => `✓ unit-${at}`),
      expect.stringMatching(/^6 done, 200 tokens/),
      'after the view',
    ]);
  });

  test('fits into a window that is too low, and leaves nothing behind above it', async () => {
    await using place = await temporaryDirectory();
    await using screen = await openScreen(place.path, `${PROGRAM} 40`, { columns: 80, rows: 10 });
    await see(screen, /before the view/);
    await screen.press('Enter');
    await see(screen, /and 33 more: 33 waiting/);
    for (const _ of [1, 2, 3]) await screen.press('Enter');
    const lines = await see(screen, /200 tokens/, true);
    expect(countOf(lines, /unit-0 /)).toBe(1);
    expect(countOf(lines, /and 33 more/)).toBe(1);
    expect(lines.slice(0, 2)).toEqual(['before the view', 'a note, once']);
  });

  test.each([
    ['narrower', 46],
    ['wider', 120],
  ])('follows a window that becomes %s', async (_, columns) => {
    await using place = await temporaryDirectory();
    await using screen = await openScreen(place.path, `${PROGRAM} 6`);
    await see(screen, /before the view/);
    await screen.press('Enter');
    await screen.press('Enter');
    await see(screen, /agent: reads/);
    await screen.resize(columns, 24);
    await screen.press('Enter');
    await see(screen, /a note, once/);
    // What a terminal moved out of its window while it folded lines nobody can reach any more.
    const lines = await see(screen, /4 waiting/);
    expect(countOf(lines, /unit-0 /)).toBe(1);
    const [note, first, ...others] = lines.slice(lines.indexOf('a note, once'));
    expect(note).toBe('a note, once');
    const above = lines.slice(0, lines.indexOf('a note, once'));
    expect(above.filter((line) => line !== 'before the view')).toEqual([]);
    expect(first?.startsWith('▸ unit-0')).toBe(true);
    expect(countOf(others, /unit-[1-5]/)).toBe(5);
    expect(lines.every((line) => line.length < columns)).toBe(true);
  });

  test('gives the cursor back when it is interrupted', async () => {
    await using place = await temporaryDirectory();
    await using screen = await openScreen(place.path, `${PROGRAM} 6`);
    await see(screen, /before the view/);
    await screen.press('Enter');
    await see(screen, /2 running/);
    expect(await screen.cursorIsVisible()).toBe(false);
    await screen.press('C-d'); // ends the program before its last step
    await vi.waitFor(async () => expect(await screen.cursorIsVisible()).toBe(true), { timeout: 20_000 });
  });
});

describe('the live view', () => {
  test('is drawn at most ten times a second, and once a second when nothing happens', async () => {
    vi.useFakeTimers();
    try {
      const stream = Object.assign(new PassThrough(), { columns: 80, rows: 24, isTTY: true });
      let frames = 0;
      stream.on('data', (chunk: Buffer) => void (frames += chunk.toString().split('\x1B[?2026h').length - 1));
      const view = createLiveView({
        stream: stream as unknown as NodeJS.WriteStream,
        paint: (_, text) => text,
        now: Date.now,
      });
      const state = foldEvents(numbered([started([plannedUnit('api')]), factsOf('api').started()]));
      for (let millisecond = 0; millisecond < 1000; millisecond += 1) {
        if (state !== undefined) view.update(state);
        view.activity('api', String(millisecond));
        await vi.advanceTimersByTimeAsync(1);
      }
      expect(frames).toBeGreaterThanOrEqual(9);
      expect(frames).toBeLessThanOrEqual(12);
      await vi.advanceTimersByTimeAsync(150);
      frames = 0;
      await vi.advanceTimersByTimeAsync(5000);
      expect(frames).toBe(5);
      view.stop();
      expect(frames).toBe(6);
      view.update({ ...(state as NonNullable<typeof state>) });
      view.stop();
      await vi.advanceTimersByTimeAsync(5000);
      expect(frames).toBe(6);
    } finally {
      vi.useRealTimers();
    }
  });
});
