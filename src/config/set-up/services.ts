import { z } from 'zod';
import { shellCommand } from './shell-command.ts';

/** The key `services`: what runs beside a gate. */
export const services = z
  .array(
    z.strictObject(
      {
        command: shellCommand(
          'A shell command that starts the service and runs as long as it does, or leaves it in the background.',
        ),
        ready: shellCommand('A shell command that succeeds once the service can be used.'),
      },
      { error: 'a mapping: lines of `key: value`' },
    ),
    { error: 'a list of services' },
  )
  .max(10, 'a list of at most 10 services')
  .default([])
  .describe(
    'Programs that gates and checks need, such as a database. Each is started in the sandbox of every gate before it, in order, and ends with it.',
  )
  .meta({
    examples: [[{ command: 'redis-server --save "" --dir /tmp', ready: 'redis-cli ping' }]],
  });
