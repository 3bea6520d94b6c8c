import { USAGE } from '../../github/commands/commands.ts';
import { code } from '../../github/render/markdown.ts';
import { sentenceAbove } from '../repository/answers.ts';
import type { CommandResult } from './command-request.ts';

/** `/choo help`: lists all commands and their meanings. */
export async function helpCommand(): Promise<CommandResult> {
  return { kind: 'done', text: HELP };
}

const HELP = sentenceAbove(
  'commands begin a line of a new comment; whoever may push to this repository can give them',
  [
    '| Command | What it does |',
    '| --- | --- |',
    ...USAGE.map(({ form, meaning }) => `| ${code(form)} | ${meaning} |`),
  ].join('\n'),
);
