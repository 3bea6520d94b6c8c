import { pino, type Logger } from 'pino';

/** The log of a server: a line of JSON an event, on standard error. */
export function openLog(): Logger {
  return pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
}
