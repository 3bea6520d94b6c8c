import { Command } from 'commander';
import { fileURLToPath } from 'node:url';
import { readAppSettings, readSignIn } from '../../app/receiver.ts';
import { localDataDirectory, readSettings, type Settings } from '../../config/settings.ts';
import { GitHubApp } from '../../github/api/client.ts';
import { readManifest } from '../../github/setup/manifest.ts';
import { printable } from '../../text/terminal-layout.ts';
import type { CommandContext } from '../context.ts';
import { checkApp } from '../doctor/app.ts';
import { type Finding, runCheck, skipped } from '../doctor/finding.ts';
import { checkAgents, checkCgroups, checkDisk, checkGit, checkSandbox } from '../doctor/machine.ts';
import { checkDatabase } from '../doctor/database.ts';
import { checkSignIn } from '../doctor/sign-in.ts';
import { openLocalSandbox } from '../sources/local-sandbox.ts';
import { isServerSet } from '../sources/run-source.ts';
import { openUnmigratedDatabase } from '../sources/server-store.ts';
import type { Terminal } from '../terminal.ts';

/** `choo doctor`: whether choo can work on this machine, and what to do where it cannot. */
export function doctorCommand(context: CommandContext): Command {
  const { terminal, finish } = context;
  return new Command('doctor')
    .summary('check this machine, and the server if there is one')
    .description(
      'Checks git, the sandbox, cgroups, the agents and the disk; where the settings of a server are set, its database, its GitHub App and its webhook, too. Says what to do about everything that is wrong, and changes nothing.',
    )
    .option('--json', 'print what was found as JSON')
    .addHelpText('after', HELP)
    .action(async ({ json = false }: { json?: boolean }) => {
      const findings: Finding[] = [];
      for await (const found of examine(context)) {
        findings.push(...found);
        if (!json) for (const finding of found) terminal.out(renderFinding(finding, terminal));
      }
      const count = (status: Finding['status']): number =>
        findings.filter((finding) => finding.status === status).length;
      const counts = { failed: count('failed'), warnings: count('warning'), ok: count('ok') };
      if (json) terminal.json({ version: 1, ...counts, findings });
      else terminal.out(`\n${counts.failed} failed, ${counts.warnings} with a warning, ${counts.ok} fine.\n`);
      finish(counts.failed === 0 ? 0 : 1);
    });
}

const HELP = `
Call it as the user and with the settings of the server that it is to check.

Exit status: 0 nothing failed, 1 something failed, 2 wrong usage.

Examples:
  choo doctor                                                 this machine
  choo doctor --json | jq '.findings[] | select(.status == "failed")'`;

/** All checks, one after the other. */
async function* examine({ settings: readLocal }: CommandContext): AsyncGenerator<readonly Finding[]> {
  const local = readLocal();
  const settings = readSettings();
  const isServer = isServerSet();
  yield await runCheck('git', async () => checkGit(local.PATH), 'install git');
  const openSandbox = async () =>
    openLocalSandbox(settings.CHOO_SANDBOX, 'choo-doctor', local, {
      ask: undefined,
      say: () => {},
      secrets: [],
    });
  yield await runCheck(
    'sandbox',
    async () => checkSandbox(openSandbox),
    'docs/sandbox.md says what bubblewrap needs',
  );
  yield await checkCgroups();
  yield checkAgents(local.PATH, wantedProviders(settings));
  const directory = isServer ? settings.CHOO_DATA_DIR : localDataDirectory(local);
  yield await runCheck(
    'disk',
    async () => checkDisk(directory, settings.CHOO_MIN_FREE_GIB),
    'see that CHOO_DATA_DIR names a directory',
  );
  yield isServer
    ? await runCheck(
        'database',
        async () => checkDatabase(async () => openUnmigratedDatabase(settings)),
        'check DATABASE_URL, or CHOO_DATA_DIR',
      )
    : [skipped('database', 'no server here: DATABASE_URL is not set, and CHOO_DATA_DIR has none')];
  yield await runCheck('App', async () => checkAppOf(settings), 'see that this machine reaches GitHub');
}

/** The providers that the operator named. */
function wantedProviders(settings: Settings): NonNullable<Settings['CHOO_ALLOWED_PROVIDERS']> {
  const chosen = settings.CHOO_PROVIDER ?? settings.RALPH_PROVIDER;
  return settings.CHOO_ALLOWED_PROVIDERS ?? (chosen === undefined ? [] : [chosen]);
}

async function checkAppOf(settings: Settings): Promise<readonly Finding[]> {
  const app = readAppSettings(settings);
  if (app === undefined) return [skipped('App', 'there is none: APP_ID is not set')];
  const manifest = await readManifest(fileURLToPath(new URL('../../../app.yml', import.meta.url)));
  const noWrites = { acquire: async () => undefined, pauseUntil: async () => {} };
  const github = new GitHubApp(app, noWrites, () => {});
  return [...(await checkApp(github, manifest)), await checkSignIn(github, readSignIn(settings, app))];
}

const STYLES = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const;
/** Widths of the columns. */
const COLUMNS = { status: 8, name: 18 };

function renderFinding(
  { name, status, message, cure }: Finding,
  { paint, width }: Pick<Terminal, 'paint' | 'width'>,
): string {
  const column = COLUMNS.status + COLUMNS.name + 2;
  const wrapped = (text: string): string => wrapWords(printable(text), column, width);
  const begin = `${paint(STYLES[status], status.padEnd(COLUMNS.status))} ${name.padEnd(COLUMNS.name)} `;
  const line = `${begin}${wrapped(message)}\n`;
  return cure === undefined ? line : `${line}${' '.repeat(column)}${wrapped(`cure: ${cure}`)}\n`;
}

/** Breaks a text between words; its first line begins at a column, and so do the others. */
function wrapWords(text: string, column: number, width: number): string {
  let line = '';
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && column + longer.length > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].join(`\n${' '.repeat(column)}`);
}
