import { afterAll, beforeAll, describe } from 'vitest';
import { type Actor, isRoot, startActor } from '../fixtures/sandbox/actor.ts';
import { makeWorld, type World } from '../fixtures/sandbox/world.ts';

/** The choo of a user, and a world that belongs to it, while tests run. */
interface UserPlace {
  readonly who: 'root' | 'ordinary';
  readonly actor: Actor;
  readonly world: World;
}

/** Tests as root and as an ordinary user. Those that cannot run here are skipped with the reason in their name. */
export function describeAsEachUser(
  subject: string,
  missing: string | undefined,
  body: (place: UserPlace) => void,
): void {
  describe.each(['root', 'ordinary'] as const)('as %s', (who) => {
    const why = who === 'root' && !isRoot() ? 'the tests do not run as root' : missing;
    describe.skipIf(why !== undefined)(`${subject}${why === undefined ? '' : `: SKIPPED, ${why}`}`, () => {
      let actor: Actor;
      let world: World;
      beforeAll(async () => {
        actor = startActor(who);
        world = await makeWorld(actor.uid);
      });
      afterAll(async () => {
        await actor[Symbol.asyncDispose]();
        await world[Symbol.asyncDispose]();
      });
      body({
        who,
        get actor() {
          return actor;
        },
        get world() {
          return world;
        },
      });
    });
  });
}
