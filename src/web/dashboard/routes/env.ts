import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono } from 'hono';
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
