import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import type { GitHub } from '../stand-in/stand-in.ts';

const CLI = fileURLToPath(new URL('../src/cli/cli.ts', import.meta.url));

/** The App as an operator starts it. */
export interface AppProcess extends AsyncDisposable {
  /** The URL that takes deliveries. */
  readonly webhooks: string;
}

/** Starts `choo serve` with this environment and waits until it listens. Throws with its log when it does not start. */
export async function startApp(
  github: GitHub,
  environment: Readonly<Record<string, string>>,
): Promise<AppProcess> {
  const child = execa(process.execPath, [CLI, 'serve', '--port', '0'], {
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
  return {
    webhooks: `http://127.0.0.1:${await ready.promise}/api/github/webhooks`,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await child;
    },
  };
}
