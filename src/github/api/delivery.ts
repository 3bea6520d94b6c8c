/** The parts of a payload that are read before it is validated. */
interface Outline {
  readonly repository?: { readonly id?: unknown };
  readonly installation?: { readonly id?: unknown };
  readonly issue?: { readonly number?: unknown };
  readonly pull_request?: { readonly number?: unknown };
  readonly check_run?: { readonly head_sha?: unknown };
  readonly check_suite?: { readonly head_sha?: unknown };
  readonly ref?: unknown;
}

/** The events that choo handles. */
const HANDLED: ReadonlySet<string> = new Set([
  'push',
  'delete',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'pull_request_review_thread',
  'issues',
  'issue_comment',
  'check_run',
  'check_suite',
  'installation',
  'installation_repositories',
  'repository',
]);

/** Whether choo handles the deliveries of an event. */
export function isHandled(event: string): boolean {
  return HANDLED.has(event);
}

/** The subject of a delivery, before its payload is validated. */
export interface DeliverySubject {
  /** Deliveries of one thread are handled in order. */
  readonly thread: string;
  /** GitHub's number of the repository. */
  readonly repository: number | null;
}

/**
 * Finds the subject of a delivery: an issue or pull request, a branch, a commit, an installation. Undefined: choo ignores it.
 * Pure; accepts any JSON.
 */
export function subjectOf(event: string, payload: unknown): DeliverySubject | undefined {
  if (!isHandled(event) || typeof payload !== 'object' || payload === null) return undefined;
  const { repository, installation, issue, pull_request, check_run, check_suite, ref } = payload as Outline;
  const id = repository?.id;
  if (typeof id !== 'number' || !Number.isSafeInteger(id))
    return { thread: `installation ${printable(installation?.id)}`, repository: null };
  const number = issue?.number ?? pull_request?.number;
  const sha = check_run?.head_sha ?? check_suite?.head_sha;
  const about = number ?? sha ?? (event === 'push' ? ref : event);
  return { thread: `${id} ${printable(about)}`, repository: id };
}

/** As text that a database accepts. */
function printable(value: unknown): string {
  return String(value)
    .replaceAll(/\p{Cc}/gu, ' ')
    .toWellFormed()
    .slice(0, 300);
}
