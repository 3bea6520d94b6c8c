import type { LocalSettings } from '../config/settings.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Reads and checks the environment; throws where a variable that counts here has a bad value. */
  readonly settings: () => LocalSettings;
  readonly cwd: string;
  /** How the program was called, for commands it suggests: `choo`, `script/choo`. */
  readonly programName: string;
  /** Says how the command ended; the process exits with this once all output is written. */
  readonly finish: (exitCode: number) => void;
}
