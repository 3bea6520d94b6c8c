import { Command, Option } from 'commander';
import { readSettings } from '../config/settings.ts';
import type { Role } from '../main.ts';
import { wholeNumber } from './arguments.ts';
import type { CommandContext } from './context.ts';

interface ServeCommandOptions {
  readonly role: Role;
  readonly host: string;
  readonly port: number;
}

/** `choo serve`: a process of a server. */
export function serveCommand({ finish }: CommandContext): Command {
  return new Command('serve')
    .summary('work on the runs that were submitted, until told to stop')
    .description(
      'A process of a server. Any number of them, on any number of machines, share the work through one PostgreSQL:\nthe one in DATABASE_URL, or a built-in one under CHOO_DATA_DIR. Logs are lines of JSON on standard error.',
    )
    .addOption(
      new Option('--role <role>', 'what this process does: answer the web, work on units, or both')
        .choices(['web', 'worker', 'all'])
        .default('all'),
    )
    .option('--host <address>', 'the address to listen at', '127.0.0.1')
    .addOption(
      new Option('--port <n>', 'the port to listen at; 0: any that is free')
        .argParser(wholeNumber(0, 65_535))
        .default(3_000),
    )
    .addHelpText('after', HELP)
    .action(async (options: ServeCommandOptions) => {
      const { serve } = await import('../main.ts');
      await serve(readSettings(), options);
      finish(0);
    });
}

const HELP = `
GET /healthz answers while the process lives, GET /readyz while it can work.
SIGTERM or Ctrl-C: nothing new starts, what runs may go on for CHOO_DRAIN_SECONDS, then it is stopped and handed back;
a second one does not wait. docs/operations.md has every setting.
Exit status: 0 stopped as asked, 1 it could not start.

Examples:
  choo serve                                         one machine, nothing to install
  DATABASE_URL=postgres://… choo serve --role worker   one of many`;
