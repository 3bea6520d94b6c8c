/** A request with the app's credentials. */
export interface LoggedRequest {
  readonly at: number;
  readonly method: string;
  /** The path below `/api/v3`; or `/graphql`; or git's path. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly token: 'app' | 'installation';
  /** The status; undefined while it is pending, and when the connection was cut. */
  status: number | undefined;
}
