/** What every payload of a repository has, as far as it is needed before anything is checked. */
interface Outline {
  readonly repository?: { readonly id?: unknown };
  readonly installation?: { readonly id?: unknown };
  readonly issue?: { readonly number?: unknown };
  readonly pull_request?: { readonly number?: unknown };
  readonly check_run?: { readonly head_sha?: unknown };
  readonly check_suite?: { readonly head_sha?: unknown };
  readonly ref?: unknown;
}

/** The events that choo does something about. */
const HANDLED: ReadonlySet<string> = new Set([
  'push',
  'pull_request',
  'issues',
  'issue_comment',
  'check_run',
  'check_suite',
  'installation',
  'installation_repositories',
  'repository',
]);

/** What a delivery is about, before anybody looks into it. */
export interface DeliverySubject {
  /** What must not overtake each other. */
  readonly thread: string;
  /** GitHub's number of the repository. */
  readonly repository: number | null;
}

/**
 * What a delivery is about: an issue or pull request, a branch, a commit, an installation. Undefined: nothing of choo's.
 * Pure, and fit for anything that parses as JSON.
 */
export function subjectOf(event: string, payload: unknown): DeliverySubject | undefined {
  if (!HANDLED.has(event) || typeof payload !== 'object' || payload === null) return undefined;
  const { repository, installation, issue, pull_request, check_run, check_suite, ref } = payload as Outline;
  const id = repository?.id;
  if (typeof id !== 'number' || !Number.isSafeInteger(id))
    return { thread: `installation ${printable(installation?.id)}`, repository: null };
  const number = issue?.number ?? pull_request?.number;
  const sha = check_run?.head_sha ?? check_suite?.head_sha;
  const about = number ?? sha ?? (event === 'push' ? ref : event);
  return { thread: `${id} ${printable(about)}`, repository: id };
}

/** As a text that any database takes. */
function printable(value: unknown): string {
  return String(value)
    .replaceAll(/\p{Cc}/gu, ' ')
    .toWellFormed()
    .slice(0, 300);
}
