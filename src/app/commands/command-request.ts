import type { Answer } from '../repository/answers.ts';
import type { Planner } from '../planning/planner.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import type { Account } from '../repository/payloads.ts';

/** A command's actor and thread. The actor's permission was checked. */
export interface CommandRequest {
  readonly repository: OpenRepository;
  /** Identifies the command across repeated deliveries, so that it is executed once. */
  readonly source: string;
  readonly actor: Account;
  readonly thread: number;
  readonly isPull: boolean;
  readonly labels: readonly { readonly name: string }[];
  /** When it was written, by GitHub's clock. */
  readonly createdAt: Date;
  /** Set when the thread is a unit's pull request. */
  readonly unit: { readonly target: string; readonly unit: string } | undefined;
}

/** A command's result. `text`: for the actor; absent when the result shows elsewhere. */
export interface CommandResult {
  readonly kind: 'started' | 'done' | 'refused';
  readonly text?: Answer;
}

/** Executes one kind of command. */
export type Action<Command> = (
  command: Command,
  request: CommandRequest,
  planner: Planner,
  services: HandlerServices,
) => Promise<CommandResult>;
