import process from 'node:process';

/** A process of choo's own that exchanges messages with this one. It logs to the same standard error. */
export interface ChildProgram {
  /** Drops the message when the process can no longer receive it. */
  readonly send: (message: object) => void;
  readonly kill: () => void;
  /** Resolves when it has ended, with the cause: `exit code 1`, `SIGKILL`. Never rejects. */
  readonly ended: Promise<string>;
}

/** Starts a program with the Node, the options and the environment of this process. */
export async function startChildProgram(
  file: string,
  args: readonly string[],
  onMessage: (message: unknown) => void,
): Promise<ChildProgram> {
  const { execa } = await import('execa'); // takes 0.1 s to load, and most commands never need it
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
