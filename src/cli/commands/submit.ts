import { Command } from 'commander';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ceilingsOf } from '../../config/ceilings.ts';
import { readSettings } from '../../config/settings.ts';
import { normalizeRemote } from '../../git/remote-address.ts';
import { ServerContexts } from '../../orchestrator/server/server-context.ts';
import { submitRun } from '../../orchestrator/server/submit.ts';
import { performInline } from '../../plan-thread/plan-thread.ts';
import { renderPlan, renderProblem } from '../../plan/text.ts';
import { findOrAddRepository } from '../../store/runs/run-reader.ts';
import { count } from '../../text/terminal-layout.ts';
import type { CommandContext } from '../context.ts';
import { addProviderOptions, type PlanOptions, planCandidates, unitOption } from '../plan-options.ts';
import { openStore, terminalActor } from '../sources/server-store.ts';

interface SubmitOptions extends PlanOptions {
  readonly ref?: string;
  readonly fresh?: boolean;
  readonly json?: boolean;
}

/** `choo submit`: has a server carry out the specs of a remote. */
export function submitCommand(context: CommandContext): Command {
  return addProviderOptions(
    new Command('submit')
      .summary('submit a run of a git remote to the server')
      .description(
        'Reads the specs of a branch or commit and the configuration of the default branch, and queues a run for the processes of `choo serve`. They push the results to branches of the remote.',
      )
      .argument('<remote>', 'an https or ssh address, or the path of a repository')
      .option('--ref <branch>', 'a branch or a full commit id (default: the default branch)')
      .addOption(unitOption('run')),
  )
    .option('--fresh', 'start units over; their commits are kept at choo/old/…')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', HELP)
    .action(async (remote: string, options: SubmitOptions) => submit(context, remote, options));
}

const HELP = `
Exit status: 0 the run is queued, or there is nothing to run, 1 the plan has errors, or another run is waiting already, 2 wrong usage.

Examples:
  choo submit https://git.example/team/project.git
  choo submit /srv/git/project.git --unit api --provider codex
  choo status "$(choo submit /srv/git/project.git --json | jq -r .run)"`;

async function submit(context: CommandContext, where: string, options: SubmitOptions): Promise<void> {
  const { terminal, finish, cwd, programName } = context;
  const settings = readSettings();
  const path = resolve(cwd, where);
  const remote = normalizeRemote(existsSync(path) ? path : where);
  await using store = await openStore(settings, 'migrate');
  const place = {
    dataDirectory: settings.CHOO_DATA_DIR,
    searchPath: settings.PATH,
    ceilings: ceilingsOf(settings),
    perform: performInline(),
  };
  await using contexts = new ServerContexts(store, place);
  const { only, candidates, allowedProviders } = planCandidates(options, settings);
  const submitted = await submitRun(
    {
      repository: await findOrAddRepository(store.database, remote, installationOf(remote)),
      remote,
      actor: terminalActor(),
      ref: options.ref,
      units: only,
      candidates,
      allowedProviders,
      sandbox: settings.CHOO_SANDBOX,
      fresh: options.fresh === true,
    },
    { ...store, contexts },
  );
  if (submitted.kind === 'refused') {
    terminal.notice(renderPlan(submitted.plan, { ...terminal, paint: (_, text) => text }));
    finish(1);
    return;
  }
  for (const problem of submitted.clamps) terminal.notice(`${renderProblem(problem, terminal)}\n`);
  const run = submitted.kind === 'run' ? submitted.run : null;
  const waits = submitted.kind === 'run' && submitted.waits;
  if (options.json === true) terminal.json({ version: 1, run, waits, remote });
  else if (submitted.kind === 'nothing')
    terminal.notice('Nothing to run: every unit is complete in the specs.\n');
  else
    terminal.out(
      `Run ${run}: ${count(submitted.units, 'unit')}${waits ? ', after the active run' : ''}.\n` +
        `  ${programName} status ${run}\n`,
    );
  finish(0);
}

/** Who shares the machines: the owner of a repository on a host, or everybody on this machine. */
function installationOf(remote: string): string {
  if (remote.startsWith('/')) return 'local';
  const [host = '', owner = ''] = remote
    .replace(/^[a-z]+:\/\//, '')
    .replace(/^[^@/]*@/, '')
    .split(/[/:]/)
    .filter((part) => part !== '' && !/^\d+$/.test(part));
  return `${host}/${owner}`;
}
