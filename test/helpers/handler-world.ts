import { join } from 'node:path';
import { createHandler } from '../../src/app/inbound/handlers.ts';
import type { HandlerServices } from '../../src/app/repository/open-repository.ts';
import { gitCredentials, openGitHub } from '../../src/app/start-app.ts';
import { readAppSettings } from '../../src/app/receiver.ts';
import { ceilingsOf } from '../../src/config/ceilings.ts';
import { readSettings } from '../../src/config/settings.ts';
import { ServerContexts } from '../../src/orchestrator/server/server-context.ts';
import { performInline } from '../../src/plan-thread/plan-thread.ts';
import type { Delivery } from '../../src/store/github/deliveries.ts';
import { type AppWorld, makeAppWorld } from './app-world.ts';
import { openServerStore, type ServerStore } from './server-store.ts';

/** The delivery handler of one process, with a database connection and copies of repositories of its own. */
interface HandlerProcess {
  readonly services: HandlerServices;
  readonly handle: ReturnType<typeof createHandler>;
}

/** A GitHub, whose App is only its handlers: nothing is started, and deliveries are handed over by the test. */
export interface HandlerWorld extends AsyncDisposable {
  readonly world: AppWorld;
  readonly store: ServerStore;
  /** `now`: its clock. */
  readonly open: (now?: () => number) => Promise<HandlerProcess>;
  /** The deliveries of an event that wait on GitHub, oldest first, as choo would have stored them now. */
  readonly waiting: (event: string) => readonly Delivery[];
}

/** Makes one; takes what {@link makeAppWorld} takes. */
export async function makeHandlerWorld(...given: Parameters<typeof makeAppWorld>): Promise<HandlerWorld> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await makeAppWorld(...given));
  const store = stack.use(await openServerStore());
  const settings = readSettings({ ...world.github.environment, CHOO_WRITE_PAUSE_MS: '0' });
  const app = readAppSettings(settings);
  if (app === undefined) throw new Error('the stand-in names no App');
  const processes = stack.use(new AsyncDisposableStack());
  let count = 0;
  const kept = stack.move();
  return {
    world,
    store,
    open: async (now = Date.now) => {
      const { database, runStore } = processes.use(await store.open());
      const github = openGitHub(app, database, settings, () => {});
      const place = {
        dataDirectory: join(world.dataDirectory, `process-${count++}`),
        searchPath: process.env['PATH'] ?? '',
        ceilings: ceilingsOf({}),
        perform: performInline(),
      };
      const contexts = processes.use(
        new ServerContexts({ database, runStore }, place, gitCredentials(github)),
      );
      const services: HandlerServices = {
        database,
        runStore,
        contexts,
        github,
        origin: app.origin,
        policy: {
          bots: new Set(),
          allowedProviders: undefined,
          provider: 'rehearsal',
          sandbox: 'host',
          settleMs: 0,
        },
        now,
        redact: (text) => text,
        story: () => {},
      };
      return { services, handle: createHandler(services) };
    },
    waiting: (wanted) =>
      world.github.deliveries.flatMap(({ guid, event, body }) =>
        event === wanted ? [{ id: guid, event, payload: body, receivedAt: new Date(), sentAt: null }] : [],
      ),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}
