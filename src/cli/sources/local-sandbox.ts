import { mkdirSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { localDataDirectory, type LocalSettings, readEnvironment } from '../../config/settings.ts';
import { ChooError } from '../../errors.ts';
import { openBubblewrap } from '../../sandbox/bubblewrap/bubblewrap.ts';
import { chooseSandbox, type SandboxMode } from '../../sandbox/choose.ts';
import { openHostSandbox } from '../../sandbox/host.ts';
import { findNetwork } from '../../sandbox/machine/network.ts';
import { findChosen, findToolchains, joinTools, NO_TOOLS } from '../../sandbox/machine/toolchains.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { layeringText } from '../../text/set-up-words.ts';

/**
 * The sandbox of a local run. Where bubblewrap does not work, `auto` asks whoever sits at the terminal, and without one
 * refuses: less protection than was thought of is nobody's choice but the user's.
 */
export async function openLocalSandbox(
  mode: SandboxMode,
  owner: string,
  settings: LocalSettings,
  {
    ask,
    say,
    secrets,
  }: {
    /** Undefined without a terminal. */
    readonly ask: ((question: string) => Promise<boolean>) | undefined;
    readonly say: (line: string) => void;
    /** Values that no command may get by a setting. */
    readonly secrets: readonly string[];
  },
): Promise<Sandbox> {
  const nodePath = dirname(realpathSync(process.execPath));
  const environment = readEnvironment();
  const network = await findNetwork(environment, { home: environment['HOME'] });
  for (const [name, reason] of network.leftOut)
    say(`${name} is not given to set-up and agents: it ${reason}`);
  const chosen = await findChosen(
    { read: settings.CHOO_SANDBOX_READ, names: settings.CHOO_SANDBOX_ENV, secrets },
    environment,
  );
  // On a laptop what the person's own terminal finds is shown.
  const found = settings.HOME === undefined ? NO_TOOLS : await findToolchains(environment, settings.HOME);
  const host = (): Sandbox =>
    openHostSandbox({
      searchPath: `${nodePath}:${settings.PATH}`,
      owner,
      home: settings.HOME ?? '/nonexistent',
      temporary: settings.TMPDIR,
      network,
      variables: chosen.variables,
    });
  const bubblewrap = (): Sandbox => {
    const directory = localDataDirectory(settings); // where worktrees will be
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    return openBubblewrap({
      searchPath: settings.PATH,
      nodePath,
      owner,
      directory,
      network,
      tools: joinTools(found, chosen),
    });
  };
  const choice = await chooseSandbox(mode, { bubblewrap, host });
  if (choice.ok) return choice.sandbox;
  const { reason, hint } = choice;
  const question = `bubblewrap does not work here (${reason}).\n  hint: ${hint}\nRun agents and gates without a sandbox, with all your permissions? [y/N] `;
  if (mode === 'auto' && ask !== undefined && (await ask(question))) return host();
  throw new ChooError('environment', `bubblewrap does not work here: ${reason}`, {
    hint: mode === 'auto' ? `${hint}; or run without a sandbox: \`--sandbox host\`` : hint,
  });
}

/** How what set-up leaves behind comes to many worktrees here. */
export async function sharingOf(
  sandbox: Sandbox,
  { relocatable }: { readonly relocatable: boolean },
): Promise<string> {
  if (sandbox.kind === 'host') return layeringText(relocatable ? 'reflink' : 'none');
  return layeringText(await sandbox.layering());
}
