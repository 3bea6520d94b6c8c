import { describe, expect, test } from 'vitest';
import { CommitSignatures } from '../../../src/app/repository/commit-signatures.ts';
import { saveAppBot } from '../../../src/store/github/app-bot.ts';
import { giveToken, openApp, useGitHub } from '../../helpers/nock-github.ts';
import { openServerStore } from '../../helpers/server-store.ts';

/** The installation of the tests' App. */
const INSTALLATION = 7;
const BOT = { name: 'choo-x[bot]', email: '99+choo-x[bot]@users.noreply.github.example' };

describe('the signature of commits on GitHub', () => {
  const github = useGitHub();

  async function open() {
    await using stack = new AsyncDisposableStack();
    const server = stack.use(await openServerStore());
    const { database } = stack.use(await server.open());
    const reasons: string[] = [];
    const { app } = openApp();
    const make = (): CommitSignatures =>
      new CommitSignatures({
        github: app,
        database,
        origin: 'https://github.example:8443',
        onUnknown: (reason) => void reasons.push(reason),
      });
    const kept = stack.move();
    return { database, reasons, make, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
  }

  const answer = (login = 'choo-x[bot]', id: unknown = 99): void => {
    github()
      .get('/app')
      .matchHeader('authorization', /^bearer ey/)
      .reply(200, { slug: 'choo-x' });
    giveToken(github(), 'ghs_one');
    github().get('/users/choo-x%5Bbot%5D').reply(200, { login, id });
  };

  test('is of the bot, whom GitHub names once, and of who asked', async () => {
    await using world = await open();
    answer();
    const signatures = world.make();
    const [first, second] = await Promise.all([
      signatures.find(INSTALLATION),
      signatures.find(INSTALLATION, { login: 'ann_corp', id: 12 }),
    ]);
    expect(first).toEqual({ author: BOT, committer: BOT });
    expect(second?.coAuthor).toEqual({
      name: 'ann_corp',
      email: '12+ann_corp@users.noreply.github.example',
    });
  });

  test.each([
    { login: 'ann\nChoo-Run: x', id: 12 },
    { login: 'ann> <eve', id: 12 },
    { login: 'helper[bot]', id: 12 },
    { login: '', id: 12 },
    { login: 'ann', id: 0 },
    { login: 'ann', id: 1.5 },
  ])('has no co-author $login with $id', async (requester) => {
    await using world = await open();
    await saveAppBot(world.database, 5, { login: 'choo-x[bot]', userId: 99 });
    github().get('/app').reply(404);
    expect(await world.make().find(INSTALLATION, requester)).toEqual({ author: BOT, committer: BOT });
  });

  test('is the last known one while GitHub does not answer, and else none', async () => {
    await using world = await open();
    github().get('/app').reply(404, { message: 'gone' });
    expect(await world.make().find(INSTALLATION)).toBeUndefined();
    expect(world.reasons).toEqual([expect.stringContaining('gone')]);
    answer();
    await world.make().find(INSTALLATION);
    github().get('/app').reply(404);
    const signatures = world.make();
    expect(await signatures.find(INSTALLATION)).toEqual({ author: BOT, committer: BOT });
    // GitHub is not asked again at once.
    expect(await signatures.find(INSTALLATION)).toEqual({ author: BOT, committer: BOT });
  });

  test.each([
    ['choo-x', 99],
    ['choo-x[bot]\n', 99],
    ['choo-x[bot]', 0],
  ])('is none of a bot %j with %j', async (login, id) => {
    await using world = await open();
    answer(login, id);
    expect(await world.make().find(INSTALLATION)).toBeUndefined();
    expect(world.reasons).toHaveLength(1);
  });
});
