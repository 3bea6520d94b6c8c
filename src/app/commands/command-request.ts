import type { Planner } from '../planning/planner.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import type { Account } from '../repository/payloads.ts';

/** Who asks for something, and where. They may. */
export interface CommandRequest {
  readonly repository: OpenRepository;
  /** What the command counts once by, whatever deliveries bring it. */
  readonly source: string;
  readonly actor: Account;
  readonly thread: number;
  readonly isPull: boolean;
  readonly labels: readonly { readonly name: string }[];
  /** When they wrote it, by GitHub's clock. */
  readonly createdAt: Date;
  /** The unit whose pull request that is. */
  readonly unit: { readonly target: string; readonly unit: string } | undefined;
}

/** What came of a command. `text`: Markdown for who asked; none: what happened is to be seen elsewhere. */
export interface CommandResult {
  readonly kind: 'started' | 'done' | 'refused';
  readonly text?: string;
}

/** What a command does. */
export type Action<Command> = (
  command: Command,
  asking: CommandRequest,
  planner: Planner,
  services: HandlerServices,
) => Promise<CommandResult>;
