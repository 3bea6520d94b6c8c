import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GitHub } from '../stand-in/stand-in.ts';

const CLI = fileURLToPath(new URL('../src/cli/cli.ts', import.meta.url));

/** The App as an operator starts it. */
export interface AppProcess extends AsyncDisposable {
  /** The URL that takes deliveries. */
  readonly webhooks: string;
  /** The address of its dashboard, for this machine. */
  readonly dashboard: string;
}

/** Starts `choo serve` with this environment and waits until it listens. Throws with its log when it does not start. */
export async function startApp(
  github: GitHub,
  environment: Readonly<Record<string, string>> & { readonly CHOO_DATA_DIR: string },
): Promise<AppProcess> {
  const child = execa(process.execPath, [CLI, 'serve', '--web-token', '--port', '0'], {
    env: { ...github.environment, ...environment },
    stdin: 'ignore',
    reject: false,
    cleanup: true,
  });
  const ready = Promise.withResolvers<number>();
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += String(chunk);
    const port = /"port":(\d+)/.exec(log)?.[1];
    if (port !== undefined) ready.resolve(Number(port));
  });
  void child.then(() => ready.reject(new Error(`the App did not start:\n${log}`)));
  const port = await ready.promise;
  const address = await readFile(join(environment.CHOO_DATA_DIR, 'dashboard-address'), 'utf8');
  return {
    webhooks: `http://127.0.0.1:${port}/api/github/webhooks`,
    dashboard: address.trim(),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await child;
    },
  };
}
