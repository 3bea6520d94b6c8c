import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { type Execution, MAX_LINE, TAIL_LENGTH } from '../sandbox.ts';
import { boundedTail } from './bounded-tail.ts';
import { openLog } from './capped-log.ts';
import { lineSplitter } from './line-splitter.ts';

/** Passes a command's output on to the tail, the lines and the log. */
export interface Output {
  /** Whether the streams are paused because the log's disk is slower than the command. */
  readonly waiting: boolean;
  /** Passes on the rest once both streams have ended or were abandoned. Resolves with the tail when the log is written. */
  finish(): Promise<string>;
}

/** The default size limit of a log file. Bytes. */
const DEFAULT_LOG_BYTES = 64 * 1024 * 1024;

/** Reads both streams, no faster than the log's disk. Calls `onData` at every sign of life. */
export function takeOutput(
  { stdout, stderr }: { readonly stdout: Readable; readonly stderr: Readable },
  {
    onLine,
    onText,
    logFile,
    logBytes = DEFAULT_LOG_BYTES,
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
    stream.on('error', () => {}); // a broken pipe: the command's ending explains it
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
        const text = decoder.end(); // an incomplete character, if any
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
