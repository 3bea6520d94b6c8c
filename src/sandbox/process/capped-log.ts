import { createWriteStream } from 'node:fs';

/** A log file that receives a command's output as bytes. */
export interface CappedLog {
  /** False when the buffer is full: write no more before `drained`. */
  write(chunk: Buffer): boolean;
  /** Resolves when the log can be written to again; never rejects. */
  drained(): Promise<void>;
  /** Resolves when everything is written; with the reason when the file is incomplete. A log failure fails no command. */
  close(): Promise<string | undefined>;
}

/** Log data that waits in memory for the disk. Bytes. */
const MAX_BUFFERED_BYTES = 256 * 1024;

/** Creates the file or appends to it. After `limitBytes`, one line says that the rest was left out. */
export function openLog(path: string, limitBytes: number): CappedLog {
  const file = createWriteStream(path, { flags: 'a', highWaterMark: MAX_BUFFERED_BYTES, mode: 0o600 });
  let remaining = limitBytes;
  let failure: string | undefined;
  const closed = new Promise<void>((resolve) => {
    file.once('close', resolve);
    file.once('error', (error) => {
      failure = error.message;
      resolve();
    });
  });
  return {
    write(chunk) {
      if (remaining < 0 || failure !== undefined) return true;
      const fits = chunk.length <= remaining;
      const ready = file.write(fits ? chunk : chunk.subarray(0, remaining));
      remaining -= chunk.length;
      if (fits) return ready;
      return file.write(`\n[choo: the log ends here, after ${limitBytes} bytes; the rest is left out]\n`);
    },
    async drained() {
      if (!file.writableNeedDrain) return;
      await Promise.race([new Promise<void>((resolve) => file.once('drain', resolve)), closed]);
    },
    async close() {
      file.end();
      await closed;
      return failure;
    },
  };
}
