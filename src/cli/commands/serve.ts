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
  readonly webToken?: boolean;
  readonly setup?: boolean;
  readonly url?: string;
  readonly organization?: string;
  readonly settings: string;
}

/** `choo serve`: a process of a server. */
export function serveCommand(context: CommandContext): Command {
  const { finish } = context;
  return new Command('serve')
    .summary('run a process of the server: the GitHub App, a worker, or both')
    .description(
      'Runs a process of the server. Any number of processes, on any number of machines, share the work through one PostgreSQL: the one in DATABASE_URL, or a built-in one under CHOO_DATA_DIR. Logs are lines of JSON on standard error.',
    )
    .addOption(
      new Option(
        '--role <role>',
        'what this process does: answer HTTP, work on units, or both (in two processes)',
      )
        .choices(['web', 'worker', 'all'])
        .default('all'),
    )
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .addOption(
      new Option('--port <n>', 'the port to listen on; 0 picks a free one')
        .argParser(wholeNumber(0, 65_535))
        .default(DEFAULT_PORT),
    )
    .option(
      '--web-token',
      'serve the dashboard without sign-in, on this machine only; its address has a secret in it',
    )
    .option('--setup', 'register your own GitHub App in the browser, write its settings, and exit')
    .option(
      '--url <address>',
      'with --setup: the public address of this server, such as https://choo.example.com',
    )
    .option('--organization <name>', 'with --setup: the organization that owns the App')
    .option('--settings <file>', 'with --setup: the file to write the settings to', 'choo.env')
    .addHelpText('after', HELP)
    .action(async (options: ServeCommandOptions) => {
      if (options.setup === true) {
        finish((await setUp(options, context)) ? 0 : 1);
        return;
      }
      const { serve } = await import('../../main.ts');
      await serve(readSettings(), { ...options, webToken: options.webToken === true });
      finish(0);
    });
}

/** Registers an App. False: it was given up. */
async function setUp(
  { url, organization, settings, port }: ServeCommandOptions,
  { cwd, terminal }: CommandContext,
): Promise<boolean> {
  if (url === undefined)
    throw new ChooError('usage', '--setup needs --url, the public address of this server', {
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
With APP_ID, PRIVATE_KEY and WEBHOOK_SECRET the server is a GitHub App and receives deliveries at /api/github/webhooks.
\`choo serve --setup\` registers an App and writes these settings, and those with which people sign in to the dashboard.
GET /healthz answers while the process is alive, GET /readyz while it can work.
SIGTERM or Ctrl-C: no unit starts, running units have CHOO_DRAIN_SECONDS to finish, then they are stopped and requeued; \
a second signal stops them at once. docs/operations.md lists every setting.
Exit status: 0 stopped on request, 1 failed to start.

Examples:
  choo serve --setup --url https://choo.example.com    once: register your App
  choo serve                                           one machine, all built in
  choo serve --web-token                               with the dashboard; docs/dashboard.md
  DATABASE_URL=postgres://… choo serve --role worker   one worker of many`;
