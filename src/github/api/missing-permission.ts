import { ChooError, messageOf } from '../../errors.ts';

/** What GitHub refuses because the owner of the App's installation did not grant it; `needs`: as GitHub writes it, `checks=write`. */
export class MissingPermissionError extends ChooError {
  readonly needs: string;

  constructor(what: string, needs: string) {
    super('environment', `${what}; ${grantedBy(needs)}`);
    this.needs = needs;
  }
}

/** The client's error for an answer of GitHub's that is a refusal. */
interface RefusedRequest {
  readonly status?: number;
  readonly response?: { readonly headers?: Readonly<Record<string, unknown>> };
}

/** Says that something needs permissions, and who grants them. */
export function grantedBy(needs: string): string {
  return `it needs ${needs}, which the owner of the App's installation grants`;
}

/**
 * The permissions that an error names as missing, as GitHub writes them: docs.github.com, *Troubleshooting the REST API*. Undefined: it
 * names none.
 */
export function missingPermission(error: unknown): string | undefined {
  if (error instanceof MissingPermissionError) return error.needs;
  const { status, response } = (error ?? {}) as RefusedRequest;
  // Every answer has that header, also one about a limit or a plan.
  const isWithheld = status === 403 && /not accessible by integration/i.test(messageOf(error));
  const named = isWithheld ? response?.headers?.['x-accepted-github-permissions'] : undefined;
  if (typeof named !== 'string') return undefined;
  const needs = named.split(';').map((each) => each.trim());
  return needs.every((each) => /^[a-z_]+=[a-z]+(?:,[a-z_]+=[a-z]+)*$/.test(each))
    ? needs.join(' or ')
    : undefined;
}
