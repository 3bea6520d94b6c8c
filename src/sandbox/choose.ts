import type { Sandbox } from './sandbox.ts';

/** The requested sandbox. `auto`: bubblewrap where it works; otherwise the caller decides about `host`. */
export type SandboxMode = 'bubblewrap' | 'host' | 'auto';

export type SandboxChoice =
  | { readonly ok: true; readonly sandbox: Sandbox }
  /** Bubblewrap does not work here. For `auto`, the caller may ask the person whether to use `host`. */
  | { readonly ok: false; readonly reason: string; readonly hint: string };

/** Opens the requested sandbox. Never falls back to a weaker one by itself: a person decides that. */
export async function chooseSandbox(
  mode: SandboxMode,
  open: { readonly bubblewrap: () => Sandbox; readonly host: () => Sandbox },
): Promise<SandboxChoice> {
  if (mode === 'host') return { ok: true, sandbox: open.host() };
  const sandbox = open.bubblewrap();
  const result = await sandbox.selfTest();
  return result.ok ? { ok: true, sandbox } : result;
}
