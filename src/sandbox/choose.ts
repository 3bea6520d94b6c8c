import type { Sandbox } from './sandbox.ts';

/** What a person can wish for. `auto`: bubblewrap where it works, and else to be asked. */
export type SandboxWish = 'bubblewrap' | 'host' | 'auto';

export type SandboxChoice =
  | { readonly ok: true; readonly sandbox: Sandbox }
  /** Bubblewrap does not work here. After `auto` the caller may ask whether to go on with `host`. */
  | { readonly ok: false; readonly reason: string; readonly hint: string };

/** Never falls back to less than was wished for by itself: that is a person's decision. */
export async function chooseSandbox(
  wish: SandboxWish,
  open: { readonly bubblewrap: () => Sandbox; readonly host: () => Sandbox },
): Promise<SandboxChoice> {
  if (wish === 'host') return { ok: true, sandbox: open.host() };
  const sandbox = open.bubblewrap();
  const result = await sandbox.selfTest();
  return result.ok ? { ok: true, sandbox } : result;
}
