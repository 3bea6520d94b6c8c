import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import type { Config } from '../../config/schema.ts';
import { localDataDirectory, readSetUpSecrets, readVariables } from '../../config/settings.ts';
import { namesFor } from '../../config/set-up-secrets.ts';
import type { Unit } from '../../discovery/unit.ts';
import type { RunState } from '../../events/state.ts';
import {
  findConflictingBranches,
  findHeadsInUse,
  listCheckedOutBranches,
  listOwnBranches,
  type UnitScope,
} from '../../git/branches.ts';
import { openGit } from '../../git/git.ts';
import type { RepositoryPaths } from '../../git/repository.ts';
import { IDENTITY_VARIABLES, readUserSignature } from '../../git/user-identity.ts';
import { type LocalServices, ownerOf } from '../../orchestrator/local/local-run.ts';
import { limitsOf } from '../../orchestrator/run-start.ts';
import type { Problem } from '../../problems/problem.ts';
import { createAgents, readSecrets } from '../../worker/agent/agents.ts';
import type { CommandContext } from '../context.ts';
import { openLocalSandbox, sharingOf } from '../sources/local-sandbox.ts';
import { allowOwnCommands } from '../sources/own-commands.ts';
import { createRunView, type RunView } from '../views/run-view.ts';

/** What a run at this terminal is carried out with, and who watches it. */
export interface TerminalRun extends Disposable {
  readonly services: LocalServices;
  readonly view: RunView;
}

/** What is carried out, and how it is shown. */
export interface TerminalRunOptions {
  readonly units: readonly Unit[];
  /** The providers of what is carried out. */
  readonly providers: readonly string[];
  readonly config: Config;
  readonly place: RepositoryPaths;
  readonly sandbox: 'bubblewrap' | 'host' | 'auto';
  readonly keepWorktrees: boolean;
  readonly json: boolean;
}

/** Opens the sandbox, listens for interrupts and begins to show the run. Disposing gives the terminal back. */
export async function openTerminalRun(
  context: CommandContext,
  { units, providers, config, place, sandbox: mode, keepWorktrees, json }: TerminalRunOptions,
): Promise<TerminalRun> {
  const settings = context.settings();
  const allSecrets = readSetUpSecrets(settings.CHOO_SETUP_SECRETS);
  const secrets = [...readSecrets(), ...Object.values(allSecrets)];
  const names = namesFor(settings.CHOO_SETUP_SECRETS, null);
  const ask = context.terminal.interactive && process.stdin.isTTY ? askOnce : undefined;
  const dataDirectory = localDataDirectory(settings);
  await allowOwnCommands(config, {
    providers: new Set(providers),
    searchPath: settings.PATH,
    dataDirectory,
    allowed: settings.CHOO_ALLOWED_COMMANDS,
    ask,
  });
  const sandbox = await openLocalSandbox(mode, ownerOf(place), settings, {
    ask,
    secrets,
    say: (line) => context.terminal.notice(`choo: ${line}\n`),
  });
  if (config.worktree.setup.length > 0)
    context.terminal.notice(`sandbox ${sandbox.kind}: ${await sharingOf(sandbox, config.worktree)}\n`);
  const identity = await readUserSignature(
    place.commonDirectory,
    settings.PATH,
    readVariables(IDENTITY_VARIABLES),
  );
  const interrupt = listenForInterrupts();
  const view = createRunView(context, json);
  return {
    view,
    services: {
      units,
      config,
      place,
      parallelism: config.parallelism,
      limits: limitsOf(config),
      keepWorktrees,
      sandbox,
      dataDirectory,
      searchPath: settings.PATH,
      agentOf: createAgents(config, settings.PATH),
      secrets,
      setUpSecrets: Object.fromEntries(names.map((name) => [name, allSecrets[name] ?? ''])),
      signature: { ...identity, signOff: config.commits.sign_off },
      signal: interrupt.signal,
      onEvents: view.onEvents,
      onActivity: view.onActivity,
      onResume: view.onResume,
    },
    [Symbol.dispose]: () => {
      view.stop();
      interrupt[Symbol.dispose]();
    },
  };
}

/** Branches of a repository that leave no room for those of the units, or are checked out. */
export async function findBranchProblems(
  { commonDirectory }: RepositoryPaths,
  searchPath: string,
  { place, ids }: { readonly place: UnitScope; readonly ids: readonly string[] },
): Promise<readonly Problem[]> {
  const git = openGit(commonDirectory, searchPath);
  return [
    ...findConflictingBranches(await listOwnBranches(git), place, ids),
    ...findHeadsInUse(await listCheckedOutBranches(git), place, ids),
  ];
}

export function exitCodeOf({ status }: RunState): number {
  return status === 'complete' ? 0 : status === 'interrupted' ? INTERRUPTED : 1;
}

const INTERRUPTED = 130;

/** The first interrupt asks the run to stop; a second one does not wait for it. Nobody reading any more is one, too. */
function listenForInterrupts(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted && signal !== 'SIGPIPE') process.exit(INTERRUPTED);
    controller.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGPIPE'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

async function askOnce(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await lines.question(question)).trim());
  } finally {
    lines.close();
  }
}
