import { Command, CommanderError, Help } from 'commander';
import { basename } from 'node:path';
import process from 'node:process';
import manifest from '../../package.json' with { type: 'json' };
import { readLocalSettings } from '../config/settings.ts';
import { coerceError } from '../errors.ts';
import { printable } from '../text/terminal-layout.ts';
import type { CommandContext } from './context.ts';
import { replaceOldNames } from './old-names.ts';
import { openTerminal } from './terminal.ts';

const WRONG_USAGE = 2;

const HELP = `
Start here:
  choo example DIR     create a small project to try choo on
  choo init            set up your own project
  choo check           find every problem in your specs
  choo plan            show what would run, in which order, with which provider
  choo run             execute the plan

Settings come from .choo.yml (\`choo schema\` describes it) and the environment.`;

type CreateCommand = (context: CommandContext) => Command;

/** Each command is a file of its own, loaded when it is the one that was called, or when all are to be listed. */
const COMMANDS: Readonly<Record<string, () => Promise<CreateCommand>>> = {
  check: async () => (await import('./commands/check.ts')).checkCommand,
  plan: async () => (await import('./commands/plan.ts')).planCommand,
  gates: async () => (await import('./commands/formats/gates.ts')).gatesCommand,
  run: async () => (await import('./commands/run.ts')).runCommand,
  prompt: async () => (await import('./commands/prompt.ts')).promptCommand,
  status: async () => (await import('./commands/status.ts')).statusCommand,
  logs: async () => (await import('./commands/logs.ts')).logsCommand,
  serve: async () => (await import('./commands/serve.ts')).serveCommand,
  submit: async () => (await import('./commands/submit.ts')).submitCommand,
  cancel: async () => (await import('./commands/cancel.ts')).cancelCommand,
  retry: async () => (await import('./commands/retry.ts')).retryCommand,
  skip: async () => (await import('./commands/skip.ts')).skipCommand,
  db: async () => (await import('./commands/db.ts')).dbCommand,
  audit: async () => (await import('./commands/operator/audit.ts')).auditCommand,
  notify: async () => (await import('./commands/operator/notify.ts')).notifyCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  cleanup: async () => (await import('./commands/cleanup.ts')).cleanupCommand,
  import: async () => (await import('./commands/formats/import.ts')).importCommand,
  init: async () => (await import('./commands/init.ts')).initCommand,
  example: async () => (await import('./sources/example.ts')).exampleCommand,
  schema: async () => (await import('./commands/schema.ts')).schemaCommand,
};

/** `word`: the first that was typed after the program's name. */
async function createProgram(context: CommandContext, word: string): Promise<Command> {
  const program = new Command('choo')
    .description(
      'Turns spec files into pull requests: plans their dependency graph, runs coding agents, and commits only what passes its gate.',
    )
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help (`choo help <command>` for one command)')
    .addHelpText('after', HELP)
    .configureOutput({ writeOut: writeWrapped })
    .hook('preAction', (_, command) => replaceOldNames(command, context.terminal))
    .showSuggestionAfterError()
    .showHelpAfterError('(`choo --help` lists the commands)');
  const isAlone = Object.hasOwn(COMMANDS, word) || word === '-V' || word === '--version';
  const wanted = isAlone ? [word] : Object.keys(COMMANDS);
  for (const name of wanted) {
    const create = await COMMANDS[name]?.();
    if (create === undefined) continue;
    const command = create(context).copyInheritedSettings(program);
    command.showHelpAfterError(`(\`choo help ${command.name()}\` shows its usage)`).exitOverride();
    program.addCommand(command);
  }
  return program.exitOverride();
}

/** Commander wraps what it makes itself, but not the text below it. */
function writeWrapped(text: string): void {
  const columns = process.stdout.columns || 80; // none where it is no terminal
  process.stdout.write(new Help().boxWrap(text, columns));
}

/** Runs one command line and returns the exit status. */
async function main(argv: readonly string[]): Promise<number> {
  const terminal = openTerminal(process.stdout, process.stderr);
  let exitCode = 0;
  try {
    const programName = basename(process.argv0) === 'choo' ? process.argv0 : 'choo';
    const finish = (code: number): void => void (exitCode = code);
    const context = { terminal, settings: readLocalSettings, cwd: process.cwd(), programName, finish };
    const program = await createProgram(context, argv[2] ?? '');
    await program.parseAsync(argv);
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : WRONG_USAGE; // it has said what was wrong
    const error = coerceError(thrown);
    terminal.notice(`choo: ${printable(error.message)}\n`);
    if (error.hint !== undefined) terminal.notice(`  hint: ${printable(error.hint)}\n`);
    if (error.code === 'internal' && error.cause instanceof Error)
      terminal.notice(`${error.cause.stack ?? ''}\n`);
    return error.code === 'usage' ? WRONG_USAGE : 1;
  }
}

// A reader that has seen enough (`choo plan | head`) is no error. A command that is to end in order then takes the signal
// that the system would have sent.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' && process.emit('SIGPIPE', 'SIGPIPE')) return;
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  process.stderr.write(`choo: cannot write the output (${error.code ?? error.message})\n`);
  process.exit(1);
});
process.exitCode = await main(process.argv);
