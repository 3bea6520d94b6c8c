import { Argument, Command } from 'commander';
import { configJsonSchema } from '../../config/schema.ts';
import { eventJsonSchema } from '../../events/event.ts';
import { planJsonSchema } from '../../plan/schema.ts';
import type { CommandContext } from '../context.ts';
import { statusJsonSchema } from '../views/status-schema.ts';

const SCHEMAS = {
  config: configJsonSchema,
  plan: planJsonSchema,
  status: statusJsonSchema,
  events: eventJsonSchema,
} as const;

/** `choo schema`: the JSON Schemas of what choo reads and prints. */
export function schemaCommand({ terminal, finish }: CommandContext): Command {
  return new Command('schema')
    .summary('print the JSON Schema of .choo.yml, a plan, a status or an event')
    .description(
      'Prints the JSON Schema of .choo.yml (for editors), of the output of `choo plan --json` or `choo status --json`, or of a line of `choo run --json`.',
    )
    .addArgument(new Argument('[name]', 'which schema').choices(Object.keys(SCHEMAS)).default('config'))
    .action((name: keyof typeof SCHEMAS) => {
      terminal.json(SCHEMAS[name]());
      finish(0);
    });
}
