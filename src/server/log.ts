import { pino, type Logger } from 'pino';

/** Opens the server's log: one line of JSON per event, on standard error. */
export function openLog(): Logger {
  return pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
}
