import { Command } from 'commander';
import { DEFAULT_CONFIG } from '../../config/schema.ts';
import { ChooError } from '../../errors.ts';
import { firstPrompt } from '../../provider/prompt.ts';
import { suggestion } from '../../text/nearest.ts';
import type { CommandContext } from '../context.ts';
import { readProjectAtCommit } from '../sources/project-at-commit.ts';
import { findProjectDirectory } from '../sources/workspace.ts';

interface PromptOptions {
  readonly project?: string;
  readonly rev?: string;
  readonly json?: boolean;
}

/** `choo prompt`: what an agent would be told. */
export function promptCommand({ terminal, settings, cwd, finish }: CommandContext): Command {
  return new Command('prompt')
    .summary('show the prompt an agent gets for a task')
    .description(
      'Prints the prompt of the first attempt at a task exactly as an agent gets it, without hidden text. Starts nothing.',
    )
    .argument('<unit>', 'the id of a unit')
    .argument('[task]', 'the number of a task (default: the first that is not complete)')
    .option(
      '--project <path>',
      'the project directory (default: the current one, or the nearest parent with specs)',
    )
    .option('--rev <ref>', 'read a commit instead of HEAD')
    .option('--json', 'print the prompt, the unit and the task as JSON')
    .addHelpText('after', HELP)
    .action(async (id: string, number: string | undefined, options: PromptOptions) => {
      const directory = findProjectDirectory(options.project, cwd);
      const { project, place } = await readProjectAtCommit(directory, options.rev ?? 'HEAD', settings().PATH);
      const { units } = project.discovery;
      const unit = units.find((each) => each.id === id);
      if (unit === undefined) {
        throw new ChooError('usage', `there is no runnable unit \`${id}\``, {
          hint:
            suggestion(
              id,
              units.map((each) => each.id),
            ) ?? '`choo plan --rev HEAD` lists the units',
        });
      }
      const task =
        number === undefined
          ? (unit.tasks.find(({ status }) => status !== 'complete') ?? unit.tasks[0])
          : unit.tasks.find((each) => String(each.number) === number);
      if (task === undefined) {
        throw new ChooError('usage', `\`${id}\` has no task \`${number ?? ''}\``, {
          hint: `its tasks are ${unit.tasks.map((each) => each.number).join(', ')}`,
        });
      }
      const { attempts } = (project.configuration.config ?? DEFAULT_CONFIG).limits;
      const prompt = firstPrompt({ unit, task, directory: place.prefix, attempts });
      if (options.json === true) terminal.json({ version: 1, unit: id, task: task.number, prompt });
      else terminal.out(prompt);
      finish(0);
    });
}

const HELP = `
Exit status: 0 the prompt is printed, 2 wrong usage, or an unknown unit or task.

Examples:
  choo prompt count-words        the next task of a unit
  choo prompt count-words 2      its task 2`;
