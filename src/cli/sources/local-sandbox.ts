import { mkdirSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { localDataDirectory, type LocalSettings } from '../../config/settings.ts';
import { ChooError } from '../../errors.ts';
import { openBubblewrap } from '../../sandbox/bubblewrap/bubblewrap.ts';
import { chooseSandbox, type SandboxMode } from '../../sandbox/choose.ts';
import { openHostSandbox } from '../../sandbox/host.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';

/**
 * The sandbox of a local run. Where bubblewrap does not work, `auto` asks whoever sits at the terminal, and without one
 * refuses: less protection than was thought of is nobody's choice but the user's.
 */
export async function openLocalSandbox(
  mode: SandboxMode,
  owner: string,
  settings: LocalSettings,
  ask: ((question: string) => Promise<boolean>) | undefined,
): Promise<Sandbox> {
  const nodePath = dirname(realpathSync(process.execPath));
  const host = (): Sandbox =>
    openHostSandbox({
      searchPath: `${nodePath}:${settings.PATH}`,
      owner,
      home: settings.HOME ?? '/nonexistent',
      temporary: settings.TMPDIR,
    });
  const bubblewrap = (): Sandbox => {
    const temporary = localDataDirectory(settings); // where worktrees will be
    mkdirSync(temporary, { recursive: true, mode: 0o755 });
    return openBubblewrap({ searchPath: settings.PATH, nodePath, owner, temporary });
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
