import type { Settings } from '../config/settings.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly settings: Settings;
  readonly cwd: string;
  /** Says how the command ended; the process exits with this once all output is written. */
  readonly finish: (exitCode: number) => void;
}
