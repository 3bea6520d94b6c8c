import { dirname, join } from 'node:path';
import type { Worktree } from '../git/worktree.ts';
import type { SandboxPaths } from '../sandbox/sandbox.ts';
import { runShell, type ShellCommand, type Verdict } from './gate/gate.ts';
import { findReasonFile } from './reason-file.ts';
import type { GateServices, UnitJob } from './unit-job.ts';

/** The shell commands of one worktree. */
export interface Commands {
  /** Where they run: the project's directory in the worktree. */
  readonly cwd: string;
  readonly workplace: SandboxPaths;
  /** Later commands run with this one, of the same worktree. */
  moveTo(workplace: SandboxPaths): void;
  /** Runs one and writes it into the unit's log. Its time limit is that of gates, or another one. */
  run(
    command: string,
    profile: 'gate' | 'setup',
    logName: string,
    options?: Partial<Pick<ShellCommand, 'isApart' | 'watched' | 'timeoutMs' | 'secrets'>>,
  ): Promise<Verdict>;
  /** A text of a command with the paths of the project as people know them: from the repository's root. */
  forPeople(text: string): string;
}

/** How a shell exits that does not find a program. */
const NOT_FOUND = 127;

export function openCommands(job: UnitJob, services: GateServices, worktree: Worktree): Commands {
  const { sandbox, logDirectory, scratch, signal, log, onActivity } = services;
  const { unit, config } = job;
  const cwd = join(worktree.path, job.directory);
  const { path, readable, beside } = worktree;
  let workplace: SandboxPaths = { worktree: path, readable, beside };
  const place = sandbox.placeOf(workplace);
  const forPeople = (text: string): string =>
    place === worktree.path ? text : text.replaceAll(`file://${place}/`, '').replaceAll(`${place}/`, '');
  return {
    cwd,
    get workplace() {
      return workplace;
    },
    moveTo(next) {
      workplace = next;
    },
    forPeople,
    async run(command, profile, logName, options = {}) {
      const read = await runShell(sandbox, workplace, {
        command,
        profile,
        cwd,
        timeoutMs: config.limits.gate_timeout,
        variables: config.env,
        services: config.services,
        ...options,
        // Nothing in that file is redacted.
        logFile: options.secrets === undefined ? join(logDirectory, `${unit.id}.${logName}.out`) : undefined,
        directories: [
          cwd,
          worktree.path,
          dirname(worktree.path),
          join(place, job.directory),
          place,
          scratch,
          logDirectory,
        ],
        onOutput: (line) => onActivity(forPeople(line)),
        signal,
      });
      const { reason, exitCode } = read;
      const missing = exitCode === NOT_FOUND ? sandbox.explainMissing(read.tail) : undefined;
      if (missing !== undefined) log.say(missing);
      const verdict =
        reason === undefined
          ? read
          : {
              ...read,
              reason: {
                ...(await findReasonFile(cwd, reason)),
                ...(missing === undefined ? {} : { text: missing }),
              },
            };
      log.say(`$ ${command}  (${verdict.ending})`);
      log.quote(forPeople(verdict.tail));
      return verdict;
    },
  };
}
