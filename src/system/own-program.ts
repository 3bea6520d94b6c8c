import process from 'node:process';

/** A program of choo's own that runs beside this process and is spoken to. It logs to the same standard error. */
export interface OwnProgram {
  /** What cannot be said any more is lost. */
  readonly send: (message: object) => void;
  readonly kill: () => void;
  /** Settles when it has ended, with how: `exit code 1`, `SIGKILL`. Never rejects. */
  readonly ended: Promise<string>;
}

/** Starts a program with the Node, the options and the environment of this process. `onMessage` hears what it says. */
export async function startOwnProgram(
  file: string,
  args: readonly string[],
  onMessage: (message: unknown) => void,
): Promise<OwnProgram> {
  const { execa } = await import('execa'); // a tenth of a second to load, which most commands never need
  const child = execa(process.execPath, [...process.execArgv, file, ...args], {
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    ipc: true,
    serialization: 'json',
    buffer: false,
    reject: false,
  });
  const { nodeChildProcess: channel } = child;
  channel.on('message', onMessage);
  return {
    send: (message) => void (channel.connected && channel.send(message, () => {})),
    kill: () => void child.kill('SIGKILL'),
    ended: child.then(({ exitCode, signal, shortMessage }) =>
      exitCode === undefined ? (signal ?? shortMessage ?? 'not started') : `exit code ${exitCode}`,
    ),
  };
}
