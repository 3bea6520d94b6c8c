import { createWriteStream } from 'node:fs';

/** A log file that gets what a command prints, as bytes. */
export interface CappedLog {
  /** False: enough is waiting for the disk. Write no more before `drained`. */
  write(chunk: Buffer): boolean;
  /** Settles when the log can be written to again; never rejects. */
  drained(): Promise<void>;
  /** Settles when everything is in the file. Why the file is incomplete, if it is; a log is no reason to fail. */
  close(): Promise<string | undefined>;
}

/** How much of a log waits in memory for the disk. Bytes. */
const WAITING_BYTES = 256 * 1024;

/** Makes the file, or appends to it; after `limitBytes` one line says that the rest is left out. */
export function openLog(path: string, limitBytes: number): CappedLog {
  const file = createWriteStream(path, { flags: 'a', highWaterMark: WAITING_BYTES, mode: 0o600 });
  let room = limitBytes;
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
      if (room < 0 || failure !== undefined) return true;
      const fits = chunk.length <= room;
      const ready = file.write(fits ? chunk : chunk.subarray(0, room));
      room -= chunk.length;
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
