import { Command, Option } from 'commander';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSettings } from '../../config/settings.ts';
import { ChooError } from '../../errors.ts';
import type { Role } from '../../main.ts';
import { wholeNumber } from '../arguments.ts';
import type { CommandContext } from '../context.ts';

interface ServeCommandOptions {
  readonly role: Role;
  readonly host: string;
  readonly port: number;
  readonly setup?: boolean;
  readonly url?: string;
  readonly organization?: string;
  readonly settings: string;
}

/** `choo serve`: a process of a server. */
export function serveCommand(context: CommandContext): Command {
  const { finish } = context;
  return new Command('serve')
    .summary('work on the runs that were submitted, until told to stop')
    .description(
      'A process of a server. Any number of them, on any number of machines, share the work through one PostgreSQL: the one in DATABASE_URL, or a built-in one under CHOO_DATA_DIR. Logs are lines of JSON on standard error.',
    )
    .addOption(
      new Option(
        '--role <role>',
        'what this process does: answer the web, work on units, or both, in two processes',
      )
        .choices(['web', 'worker', 'all'])
        .default('all'),
    )
    .option('--host <address>', 'the address to listen at', '127.0.0.1')
    .addOption(
      new Option('--port <n>', 'the port to listen at; 0: any that is free')
        .argParser(wholeNumber(0, 65_535))
        .default(DEFAULT_PORT),
    )
    .option('--setup', 'register a GitHub App of your own in the browser, write its settings, and end')
    .option('--url <address>', 'with --setup: where GitHub reaches this server, https://choo.example.com')
    .option('--organization <name>', 'with --setup: the organization the App shall belong to')
    .option('--settings <file>', 'with --setup: the file that its settings are written to', 'choo.env')
    .addHelpText('after', HELP)
    .action(async (options: ServeCommandOptions) => {
      if (options.setup === true) {
        finish((await setUp(options, context)) ? 0 : 1);
        return;
      }
      const { serve } = await import('../../main.ts');
      await serve(readSettings(), options);
      finish(0);
    });
}

/** Registers an App. False: it was given up. */
async function setUp(
  { url, organization, settings, port }: ServeCommandOptions,
  { cwd, terminal }: CommandContext,
): Promise<boolean> {
  if (url === undefined)
    throw new ChooError('usage', '--setup needs the address at which GitHub reaches this server', {
      hint: '`choo serve --setup --url https://choo.example.com`',
    });
  const { registerApp } = await import('../../github/setup/registration.ts');
  const { GHE_HOST, GHE_PROTOCOL } = readSettings();
  const stopping = new AbortController();
  const onSignal = (): void => stopping.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  const registered = await registerApp({
    url,
    settingsFile: resolve(cwd, settings),
    manifestFile: fileURLToPath(new URL('../../../app.yml', import.meta.url)),
    port: port === DEFAULT_PORT ? 0 : port,
    say: (line) => terminal.out(`${line}\n`),
    signal: stopping.signal,
    gheProtocol: GHE_PROTOCOL,
    ...(GHE_HOST === undefined ? {} : { gheHost: GHE_HOST }),
    ...(organization === undefined ? {} : { organization }),
  });
  return registered !== undefined;
}

/** Where a server listens. */
const DEFAULT_PORT = 3_000;

const HELP = `
With APP_ID, PRIVATE_KEY and WEBHOOK_SECRET it is a GitHub App, too: deliveries come in at /api/github/webhooks.
\`choo serve --setup\` registers one and writes them.
GET /healthz answers while the process lives, GET /readyz while it can work.
SIGTERM or Ctrl-C: nothing new starts, what runs may go on for CHOO_DRAIN_SECONDS, then it is stopped and handed back; \
a second one does not wait. docs/operations.md has every setting.
Exit status: 0 stopped as asked, 1 it could not start.

Examples:
  choo serve --setup --url https://choo.example.com    once: an App of your own
  choo serve                                           one machine, all built in
  DATABASE_URL=postgres://… choo serve --role worker   one of many`;
