import type { JudgeChange } from '../../events/judge-change.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { count } from '../../text/terminal-layout.ts';
import { code, rowsWithin, table } from './markdown.ts';

/** The longest table. Characters. */
const TABLE = 10_000;

/** What a unit's work changed of what judges or builds it, for who reviews it; empty: it was not compared. */
export function judgeSection({ judge }: Pick<UnitProgress, 'judge'>): string {
  if (judge === null) return '';
  const { head, changes, more } = judge;
  const at = `at ${code(head.slice(0, 12))}`;
  if (changes.length === 0)
    return `**The judge was not changed** ${at}: no test that was there, and nothing that says how to build, test or lint.`;
  const { rows, missing } = rowsWithin(changes, TABLE, (change) => [
    code(change.path),
    linesOf(change),
    whatOf(change),
  ]);
  const left = missing + more;
  return [
    `### The judge was changed`,
    `Compared with its base, the work ${at} changed ${count(changes.length + more, 'file')} of those that test it or say how to build, test or lint. Look at ${changes.length + more === 1 ? 'it' : 'them'} first.`,
    table(['File', 'Lines', 'What that means'], rows) + (left > 0 ? `\n\n… and ${left} more.` : ''),
  ].join('\n\n');
}

function linesOf({ kind, added, removed }: JudgeChange): string {
  const lines = added === null || removed === null ? '' : `+${added} −${removed}`;
  if (kind === 'changed') return lines === '' ? 'changed' : lines;
  return [kind === 'added' ? 'new' : 'deleted', lines].filter((part) => part !== '').join(', ');
}

function whatOf({ level, isAllowed }: JudgeChange): string {
  if (isAllowed) return 'its task may change it';
  if (level === 'ask') return '**a person must agree**: no task may change it';
  return level === 'tell' ? 'told' : 'not made by an agent, which may not change it';
}
