import { Command } from 'commander';
import { readSettings } from '../../../config/settings.ts';
import { ChooError } from '../../../errors.ts';
import { type ChainState, readAudit, type ReadEntry, verifyAudit } from '../../../store/audit/chain.ts';
import { printable } from '../../../text/terminal-layout.ts';
import type { CommandContext } from '../../context.ts';
import { openUnmigratedDatabase } from '../../sources/server-store.ts';

interface AuditOptions {
  readonly since?: string;
  readonly head?: string;
  readonly verify?: boolean;
  readonly json?: boolean;
}

/** `choo audit`: who asked a server for what, and what it did; and whether that is as it was written. */
export function auditCommand({ terminal, finish }: CommandContext): Command {
  return new Command('audit')
    .summary('print who asked the server for what, what ran, what it cost, and what was pushed and merged')
    .description(
      'Reads the audit of the database in DATABASE_URL, or of the built-in one under CHOO_DATA_DIR. Each time it compares the hashes of all rows first.',
    )
    .option('--since <time>', 'how far back: `24h`, `7d`, or a date such as `2026-11-30`', '24h')
    .option('--verify', 'print no entries')
    .option('--head <number:hash>', 'the newest row that an earlier call named: it must still be there')
    .option('--json', 'print the entries as JSON, with all fields')
    .addHelpText('after', HELP)
    .action(async ({ since = '24h', head, verify = false, json = false }: AuditOptions) => {
      const from = readTime(since, Date.now());
      const noted = head === undefined ? undefined : readHead(head);
      await using opened = await openUnmigratedDatabase(readSettings());
      const chain = await verifyAudit(opened.database, noted);
      const entries: ReadEntry[] = [];
      if (!verify) for await (const page of readAudit(opened.database, from)) entries.push(...page);
      if (json) terminal.json({ version: 1, chain, ...(verify ? {} : { entries }) });
      else {
        for (const entry of entries) terminal.out(`${renderEntry(entry)}\n`);
        terminal.notice(`${renderChain(chain)}\n`);
      }
      finish(chain.ok ? 0 : 1);
    });
}

/** Reads a time, or how long ago it was. Throws a ChooError (`usage`). */
function readTime(text: string, now: number): Date {
  const [, amount, unit] = /^([0-9]{1,6})([hd])$/.exec(text) ?? [];
  const hours = Number(amount) * (unit === 'd' ? 24 : 1);
  const time = amount === undefined ? new Date(text) : new Date(now - hours * 3_600_000);
  if (!Number.isNaN(time.getTime())) return time;
  throw new ChooError('usage', `\`${printable(text)}\` is no time`, {
    hint: 'write `24h`, `7d`, or a date such as `2026-11-30` or `2026-11-30T09:00Z`',
  });
}

function readHead(text: string): { readonly number: string; readonly hash: string } {
  const [, number, hash] = /^([0-9]{1,18}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (number !== undefined && hash !== undefined) return { number, hash };
  throw new ChooError('usage', `\`${printable(text)}\` names no row`, {
    hint: 'it is a number, a colon and a hash, as `choo audit` prints them',
  });
}

function renderEntry({ number, at, what, ...facts }: ReadEntry): string {
  const rest = Object.entries(facts).flatMap(([name, value]) =>
    value === null || value === undefined
      ? []
      : [`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`],
  );
  return printable(`${number}  ${at}  ${what}  ${rest.join(' ')}`);
}

function renderChain(chain: ChainState): string {
  return chain.ok
    ? `The audit is whole: ${chain.rows} rows, the newest is ${chain.number}:${chain.hash || 'none'}`
    : `The audit is not as it was written. Row ${chain.number}: ${chain.reason}.`;
}

const HELP = `
The audit is append-only, and each row holds a hash over itself and the row
before. Who may change the database could still write a new chain: note the
newest row that this command prints, elsewhere, and name it with --head later.

Exit status: 0 the audit is whole, 1 it is not, 2 wrong usage.

Examples:
  choo audit --since 7d
  choo audit --since 2026-11-01 --json | jq '.entries[] | .actor'
  choo audit --verify --head "$(cat newest-row)"`;
