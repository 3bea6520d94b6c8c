import { messageOf } from '../../errors.ts';
import type { Person, Signature } from '../../git/objects/commit.ts';
import type { GitHubApp } from '../../github/api/client.ts';
import type { Database } from '../../store/database/database.ts';
import { type AppBot, findAppBot, saveAppBot } from '../../store/github/app-bot.ts';

/** An account of GitHub's, as a signed delivery or GitHub's answer names it. */
export interface SignedAccount {
  readonly login: string;
  readonly id: number;
}

interface Services {
  readonly github: Pick<GitHubApp, 'appId' | 'findBot'>;
  readonly database: Database;
  /** Scheme and host of GitHub, as browsers reach it. */
  readonly origin: string;
  /** Called with the reason when GitHub does not name the bot. */
  readonly onUnknown: (reason: string) => void;
}

/** How long work waits for GitHub's answer. Milliseconds. */
const LIMIT_MS = 10_000;
/** How soon GitHub is asked again after it did not answer. Milliseconds. */
const RETRY_MS = 60_000;

const LOGIN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const BOT_LOGIN = /^[A-Za-z0-9][A-Za-z0-9-]{0,99}\[bot\]$/;

/**
 * The signatures of commits on GitHub: by the App's bot, in the form in which GitHub shows the account and rules accept it. GitHub
 * is asked for the bot once in each process; while it does not answer, its last answer to any process holds.
 */
export class CommitSignatures {
  readonly #services: Services;
  #bot: Promise<AppBot | undefined> | undefined;
  #askedAt = 0;

  constructor(services: Services) {
    this.#services = services;
  }

  /**
   * The signature for a repository of this installation; `requester` becomes the co-author. Undefined while GitHub has never named the
   * bot. Rejects only for errors of the database.
   */
  async find(installation: number, requester?: SignedAccount): Promise<Signature | undefined> {
    const bot = await this.#findBot(installation);
    if (bot === undefined) return undefined;
    const person = this.#personOf({ login: bot.login, id: bot.userId });
    const coAuthor =
      requester !== undefined && isAccount(requester, LOGIN) ? this.#personOf(requester) : undefined;
    return { author: person, committer: person, coAuthor };
  }

  async #findBot(installation: number): Promise<AppBot | undefined> {
    if (
      this.#bot === undefined ||
      ((await this.#bot) === undefined && Date.now() - this.#askedAt > RETRY_MS)
    ) {
      this.#askedAt = Date.now();
      this.#bot = this.#ask(installation);
    }
    return (await this.#bot) ?? findAppBot(this.#services.database, this.#services.github.appId);
  }

  async #ask(installation: number): Promise<AppBot | undefined> {
    const { github, database, onUnknown } = this.#services;
    try {
      const { login, id } = await github.findBot(installation, AbortSignal.timeout(LIMIT_MS));
      if (!isAccount({ login, id }, BOT_LOGIN)) throw new Error('its answer names no bot');
      const bot = { login, userId: id };
      await saveAppBot(database, github.appId, bot);
      return bot;
    } catch (error) {
      onUnknown(messageOf(error));
      return undefined;
    }
  }

  /** GitHub's form of an account's address that hides the real one; GitHub Enterprise Server has it below its own host. */
  #personOf({ login, id }: SignedAccount): Person {
    const { hostname } = new URL(this.#services.origin);
    return { name: login, email: `${id}+${login}@users.noreply.${hostname}` };
  }
}

/** Whether this can be an account: its name and number become part of a commit. */
function isAccount({ login, id }: SignedAccount, pattern: RegExp): boolean {
  return pattern.test(login) && Number.isSafeInteger(id) && id > 0;
}
