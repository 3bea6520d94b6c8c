/** One request that came with the app's credentials. */
export interface LoggedRequest {
  readonly at: number;
  readonly method: string;
  /** Below `/api/v3`; `/graphql`; or git's own. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly token: 'app' | 'installation';
  /** Undefined while it is under way, and if it was cut. */
  status: number | undefined;
}
