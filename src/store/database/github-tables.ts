import type { Generated } from 'kysely';
import type { ReviewRequest } from '../../events/review-request.ts';
import type { BigInteger, Json, Timestamp } from './columns.ts';

/** A lost delivery that choo asked GitHub to send again. */
interface RedeliveryTable {
  guid: string;
  /** When GitHub first sent it. */
  sent_at: Timestamp;
  asked_at: Generated<Timestamp>;
}

/** The searches of an App for lost deliveries. */
interface DeliverySearchTable {
  app: BigInteger;
  /** When the newest search began. */
  searched_at: Timestamp;
  /** Deliveries up to this time were searched; null: no search has ended. */
  complete_to: Timestamp | null;
}

/** What the App may do in an installation, and which events come from it. */
interface GitHubInstallationTable {
  id: BigInteger;
  permissions: Json<Readonly<Record<string, string>>>;
  events: Json<readonly string[]>;
  /** When GitHub last said so. */
  read_at: Timestamp;
}

/** What choo wrote on GitHub, by key. The row exists before the request is made. */
interface PostTable {
  repository: BigInteger;
  key: string;
  /** GitHub's id; null: the request was made, and its outcome is not known. */
  github_id: BigInteger | null;
  /** Hash of the current content; null: unknown. */
  hash: string | null;
  /** The process that creates it now, and until when no other one may. */
  reserved_by: string | null;
  reserved_until: Timestamp | null;
}

/** Which commit's plan a thread was shown, and when. */
interface PostedPlanTable {
  repository: BigInteger;
  thread: number;
  commit: string;
  posted_at: Timestamp;
}

/** Write rate limit: when an installation may make its next change on GitHub. */
interface WriteTurnTable {
  installation: BigInteger;
  next_at: Timestamp;
}

/** The pull requests of units. */
interface UnitPullTable {
  repository: BigInteger;
  target: string;
  unit: string;
  number: number;
  node_id: string;
  state: 'open' | 'merged' | 'closed' | 'lost';
  base: string;
  draft: boolean;
  /** Hash of its title and body. */
  hash: string;
  /** The run that opened it; null: opened before choo stored this. */
  run: string | null;
  /** Its head, and the commit that merged it, as GitHub last described it. */
  head: string | null;
  merge_commit: string | null;
  /** A person made it a draft. */
  held: Generated<boolean>;
  /** A person asked for an update of its branch. */
  update_asked: Generated<boolean>;
  /** It is in one of GitHub's own stacks. */
  stacked: Generated<boolean>;
  resolve_asked: Generated<boolean>;
  /** When GitHub last changed it, by the newest description seen. */
  seen_at: Date | null;
}

/** What a review, or a person's request, asks an agent for, frozen at that moment. */
interface ReviewRoundTable {
  id: string;
  repository: BigInteger;
  target: string;
  unit: string;
  /** The number of the pull request. */
  pull: number;
  /** The review or command that it comes from; each asks once. */
  source: string;
  /** `fresh`: what reviews said, for a unit that starts over. */
  kind: 'review' | 'fix' | 'ci' | 'fresh';
  actor_id: BigInteger;
  /** The actor's login at that moment. */
  actor: string;
  by_bot: boolean;
  /** The head of the pull request at that moment. */
  head: string;
  content: Json<RoundContent>;
  /** Threads beyond the most that one round answers. */
  left_out: number;
  /** `postponed`: it starts nothing by itself; a person's next request takes it along. */
  state: Generated<'waiting' | 'postponed' | 'started' | 'ended'>;
  /** How it ended; null: it has not. */
  outcome: string | null;
  /** The update run that works on it; assigned before that run is submitted. */
  run: string | null;
  asked_at: Generated<Timestamp>;
}

/** A push, or what else brought a new head, as a delivery told it. */
interface PushTable {
  repository: BigInteger;
  /** For a pull request of a fork: see `forkBranch`. */
  branch: string;
  head: string;
  before: string;
  /** GitHub's number of the account. */
  sender: BigInteger;
  pushed_at: Generated<Timestamp>;
}

/** The head of a branch when choo first saw that its specs must be reviewed. */
interface ReviewStartTable {
  repository: BigInteger;
  branch: string;
  commit: string;
}

/** A commit that an approved pull request brought to a branch. */
interface ReviewedCommitTable {
  repository: BigInteger;
  branch: string;
  commit: string;
}

/** What a round asks for, without its id. */
export type RoundContent = Omit<ReviewRequest, 'round'>;

/** When a periodic task, of which one process of a server does each round, last began. */
interface SweepTable {
  name: string;
  began_at: Timestamp;
}

/** When base branches were made. */
interface BaseBranchTable {
  repository: BigInteger;
  branch: string;
  made_at: Generated<Timestamp>;
}

/** A person who signed in to the dashboard. */
interface SessionTable {
  /** SHA-256 of its token, in hexadecimal. */
  token_hash: string;
  /** GitHub's number of the account, and its name when the session began. */
  account: BigInteger;
  login: string;
  ends_at: Timestamp;
}

/** The tables of what passed between choo and GitHub. */
export interface GitHubTables {
  github_installations: GitHubInstallationTable;
  redeliveries: RedeliveryTable;
  delivery_searches: DeliverySearchTable;
  posts: PostTable;
  posted_plans: PostedPlanTable;
  write_turns: WriteTurnTable;
  unit_pulls: UnitPullTable;
  sweeps: SweepTable;
  review_rounds: ReviewRoundTable;
  base_branches: BaseBranchTable;
  pushes: PushTable;
  review_starts: ReviewStartTable;
  reviewed_commits: ReviewedCommitTable;
  sessions: SessionTable;
}
