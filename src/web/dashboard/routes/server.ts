import { ChooError } from '../../../errors.ts';
import { renderServer } from '../pages/server-page.ts';
import type { ServerSource } from '../source.ts';
import type { Visitor } from '../visitor.ts';
import { type App, limitForm, noSuchPage, readForm, type Room } from './env.ts';

/** What an operator sees and does of a whole server. For everybody else it is not there. */
export function addServer(app: App, { views, page }: Room): void {
  const { source, base } = views;
  const serverFor = ({ isOperator }: Visitor): ServerSource => {
    if (!isOperator || source.server === undefined) throw noSuchPage();
    return source.server;
  };

  app.get('/server', async (c) => {
    const visitor = c.get('visitor');
    const content = renderServer(views.contextOf(visitor), await serverFor(visitor).views());
    return c.html(page(c, { title: 'the server', content }));
  });

  app.post('/server/deliveries', limitForm, async (c) => {
    const visitor = c.get('visitor');
    const server = serverFor(visitor);
    const { id } = await readForm(c);
    if (typeof id !== 'string') throw new ChooError('usage', 'a delivery has an id');
    await server.handleAgain(id, visitor.login);
    return c.redirect(`${base}/server#deliveries`, 303);
  });
}
