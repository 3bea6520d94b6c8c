import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { BlankSchema } from 'hono/types';
import { ChooError } from '../../../errors.ts';
import type { PageParts } from '../pages/layout.ts';
import type { Views } from '../views.ts';
import type { Visitor } from '../visitor.ts';

/** What a handler of the dashboard is given with its request. */
export interface Env {
  readonly Bindings: HttpBindings;
  readonly Variables: { visitor: Visitor };
}

export type App = Hono<Env, BlankSchema, string>;

/** What the handlers share. */
export interface Room {
  readonly views: Views;
  /** Writes a whole page. */
  readonly page: (c: Context<Env>, parts: PageParts) => string;
}

/** The largest body of a form. Bytes. */
const MAX_BODY = 8 * 1024;

/** Refuses a form that is larger than any of a page. */
export const limitForm = bodyLimit({ maxSize: MAX_BODY });

/** For what is not there, and for what the visitor may not see: they look alike. */
export function noSuchPage(): ChooError {
  return new ChooError('usage', 'There is no such page.');
}

/** The fields of a form of a visitor. Throws a ChooError (`conflict`) for a form that no page of theirs had. */
export async function readForm(c: Context<Env>): Promise<Readonly<Record<string, unknown>>> {
  const form = await c.req.parseBody();
  const { formToken } = c.get('visitor');
  if (formToken !== undefined && form['token'] !== formToken)
    throw new ChooError('conflict', 'this form is not from a page of yours', {
      hint: 'open the page again; you may have signed out, or signed in again',
    });
  return form;
}

/** Undefined for what is not there, or not for this visitor; throws everything else. */
export function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof ChooError) || error.code !== 'usage') throw error;
}
