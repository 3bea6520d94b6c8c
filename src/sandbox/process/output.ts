import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { type Execution, MAX_LINE, TAIL_LENGTH } from '../sandbox.ts';
import { boundedTail } from './bounded-tail.ts';
import { openLog } from './capped-log.ts';
import { lineSplitter } from './line-splitter.ts';

/** What a command prints, on its way into the tail, the lines and the log. */
export interface Output {
  /** Whether the streams stand still because the log's disk is slower than the command. */
  readonly waiting: boolean;
  /** Both streams are over, or given up: hands on the rest, and settles with the tail when the log is in its file. */
  finish(): Promise<string>;
}

/** The size of a log file when the caller names none. Bytes. */
const LOG_BYTES = 64 * 1024 * 1024;

/** Reads both streams, no faster than the log's disk. `onData` is called whenever the command shows that it lives. */
export function takeOutput(
  { stdout, stderr }: { readonly stdout: Readable; readonly stderr: Readable },
  {
    onLine,
    onText,
    logFile,
    logBytes = LOG_BYTES,
  }: Pick<Execution, 'onLine' | 'onText' | 'logFile' | 'logBytes'>,
  onData: () => void,
): Output {
  const tail = boundedTail(TAIL_LENGTH);
  const lines = onLine && lineSplitter(onLine, MAX_LINE);
  const log = logFile === undefined ? undefined : openLog(logFile, logBytes);
  const outlets = [
    { stream: stdout, decoder: new StringDecoder('utf8'), lines },
    { stream: stderr, decoder: new StringDecoder('utf8'), lines: undefined },
  ];
  let waiting = false;

  const wait = async (drained: Promise<void>): Promise<void> => {
    waiting = true;
    for (const { stream } of outlets) stream.pause();
    await drained;
    waiting = false;
    onData();
    for (const { stream } of outlets) stream.resume();
  };

  for (const { stream, decoder, lines } of outlets) {
    stream.on('error', () => {}); // the pipe is gone: the process's end says why
    stream.on('data', (chunk: Buffer) => {
      onData();
      const text = decoder.write(chunk);
      tail.push(text);
      lines?.push(text);
      onText?.(text);
      if (log !== undefined && !log.write(chunk) && !waiting) void wait(log.drained());
    });
  }

  return {
    get waiting() {
      return waiting;
    },
    async finish() {
      for (const { decoder, lines } of outlets) {
        const text = decoder.end(); // half a character, if anything
        tail.push(text);
        lines?.push(text);
        lines?.end();
      }
      const incomplete = await log?.close();
      if (incomplete !== undefined) tail.push(`\n[choo: the log is incomplete: ${incomplete}]\n`);
      return tail.text();
    },
  };
}
