import { execa } from 'execa';
import { join } from 'node:path';

/** A program in a real terminal of a given size. */
export interface Screen extends AsyncDisposable {
  /** Presses keys, by the names tmux has for them. */
  readonly press: (...keys: string[]) => Promise<void>;
  /** What is to be seen, line by line, without empty lines at the end; with `history` also what scrolled away. */
  readonly read: (history?: boolean) => Promise<string[]>;
  readonly resize: (columns: number, rows: number) => Promise<void>;
  readonly cursorIsVisible: () => Promise<boolean>;
}

export async function hasTmux(): Promise<boolean> {
  return (await execa('tmux', ['-V'], { reject: false })).exitCode === 0;
}

/** Starts a shell command in a terminal of its own. `directory` is for the socket, and where it runs. */
export async function openScreen(
  directory: string,
  command: string,
  { columns = 80, rows = 24 } = {},
): Promise<Screen> {
  const tmux = async (...args: string[]): Promise<string> => {
    const { stdout } = await execa('tmux', ['-S', join(directory, 'tmux.sock'), '-f', '/dev/null', ...args], {
      env: { LC_ALL: 'C.UTF-8', TMUX: '' },
      cwd: directory,
      stripFinalNewline: false,
    });
    return stdout;
  };
  const size = ['-x', String(columns), '-y', String(rows)];
  // The terminal outlives the program, so that its last screen can be read.
  await tmux('new-session', '-d', ...size, `stty -echo; ${command}; exec cat`);
  return {
    press: async (...keys) => void (await tmux('send-keys', ...keys)),
    read: async (history = false) =>
      (await tmux('capture-pane', '-p', ...(history ? ['-S', '-'] : []))).trimEnd().split('\n'),
    resize: async (columns, rows) =>
      void (await tmux('resize-window', '-x', String(columns), '-y', String(rows))),
    cursorIsVisible: async () => (await tmux('display-message', '-p', '#{cursor_flag}')).trim() === '1',
    [Symbol.asyncDispose]: async () => {
      await tmux('kill-server').catch(() => '');
    },
  };
}
