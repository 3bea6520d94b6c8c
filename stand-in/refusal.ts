/** An answer that is no success, thrown by whoever finds the request wanting. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, message: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.body = { message, ...extra, documentation_url: 'https://docs.github.com/rest', status: `${status}` };
  }
}

/** One entry of `errors`. */
export interface FieldError {
  readonly resource: string;
  readonly code: string;
  readonly field?: string;
  readonly message?: string;
  readonly value?: unknown;
}

/** 422, as GitHub words it. */
export function invalid(...errors: readonly FieldError[]): Refusal {
  return new Refusal(422, 'Validation Failed', { errors });
}

export function notFound(): Refusal {
  return new Refusal(404, 'Not Found');
}
