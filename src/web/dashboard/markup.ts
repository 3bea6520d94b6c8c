import { html as template } from 'hono/html';

/** HTML whose foreign parts are escaped. A string is none: it is escaped wherever it is put into one. */
export interface Markup {
  readonly isEscaped: true;
  readonly toString: () => string;
}

/** Writes HTML: escapes every value that is not {@link Markup} itself; lists are joined, null and false leave nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): Markup {
  return template(strings, ...values) as Markup; // no value is a promise, so the result is none
}
