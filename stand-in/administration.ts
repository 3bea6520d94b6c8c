import { join } from 'node:path';
import type { Emulator } from './emulator.ts';
import type { Level } from './options.ts';
import type { Ruleset } from './rules.ts';
import { createRun } from './routes/checks.ts';
import { suiteFor } from './routes/check-writing.ts';
import { copyBare, newRepository } from './seed.ts';
import { viewUser } from './views.ts';
import {
  fullName,
  nodeId,
  repositoryNamed,
  userNamed,
  type Installation,
  type Json,
  type MergeSettings,
  type OtherApp,
  type Repository,
  type User,
  type World,
} from './world.ts';

/** Actions of owners and admins on repositories and installations. Repositories are named `owner/name`. */
export interface Administration {
  readonly setPermission: (repo: string, login: string, level: Level) => void;
  readonly suspend: (installation: number) => void;
  readonly unsuspend: (installation: number) => void;
  readonly uninstall: (installation: number) => void;
  /** Installs the app on repositories of an account. Returns the new installation. */
  readonly install: (account: string, repos: readonly string[]) => number;
  /** Accepts the permissions that the app asks for, or some of them. Tokens from before keep theirs. */
  readonly accept: (installation: number, permissions?: Installation['permissions']) => void;
  readonly addRepository: (repo: string, installation: number) => void;
  readonly removeRepository: (repo: string) => void;
  /** Changes which merges a repository allows, and whether they delete their branches. */
  readonly setMerging: (repo: string, to: Partial<MergeSettings>) => void;
  /** Says whether deletions of `delete_branch_on_merge` from now on close the pull requests on a branch. */
  readonly setDeletionWins: (repo: string, wins: boolean) => void;
  /** Says whether pushes to the branch of a pull request dismiss its approvals from now on. */
  readonly setDismissal: (repo: string, dismisses: boolean) => void;
  /** Replaces the rulesets of a repository, which bind everybody. */
  readonly setRules: (repo: string, rulesets: readonly Omit<Ruleset, 'id'>[]) => void;
  /** Has another App report on a commit, as GitHub Actions does. Returns the check run. */
  readonly checkByOther: (
    repo: string,
    check: { readonly name: string; readonly sha: string } & Json,
    app?: OtherApp,
  ) => Promise<number>;
  readonly rename: (repo: string, newName: string) => Promise<void>;
  readonly transfer: (repo: string, newOwner: string) => void;
  readonly deleteRepository: (repo: string) => void;
  /** Renames an account, which keeps its repositories and installations. Raises no event. */
  readonly renameAccount: (login: string, newLogin: string) => void;
  /** Forks a repository. Returns the fork's name; the app is not installed on it. */
  readonly fork: (repo: string, login: string) => Promise<string>;
}

export function administer(world: World, emulator: Emulator, spare: readonly Installation[]): Administration {
  const repositoryOf = (repo: string): Repository => {
    const found = repositoryNamed(world, repo);
    if (found === undefined) throw new Error(`there is no repository \`${repo}\``);
    return found;
  };
  const installationOf = (id: number): Installation => {
    const found = world.installations.find((each) => each.id === id && !each.deleted);
    if (found === undefined) throw new Error(`there is no installation \`${id}\``);
    return found;
  };
  const personNamed = (login: string): User => {
    const found = userNamed(world, login);
    if (found === undefined) throw new Error(`there is no user \`${login}\``);
    return found;
  };
  const raise = (installation: Installation, action: string): void => {
    const repositories = world.repositories.filter((each) => each.installation === installation);
    const payload = { repositories: repositories.map((each) => brief(each)), requester: null };
    world.raise({ event: 'installation', action, sender: installation.account, installation, payload });
  };
  const raiseChange = (
    installation: Installation,
    repository: Repository,
    action: 'added' | 'removed',
  ): void => {
    const list = [brief(repository)];
    world.raise({
      event: 'installation_repositories',
      action,
      sender: installation.account,
      installation,
      payload: {
        repository_selection: 'selected',
        repositories_added: action === 'added' ? list : [],
        repositories_removed: action === 'removed' ? list : [],
        requester: null,
      },
    });
  };

  return {
    setPermission: (repo, login, level) =>
      void repositoryOf(repo).collaborators.set(login.toLowerCase(), level),
    suspend: (id) => {
      const installation = installationOf(id);
      installation.suspended = true;
      raise(installation, 'suspend');
    },
    unsuspend: (id) => {
      const installation = installationOf(id);
      installation.suspended = false;
      raise(installation, 'unsuspend');
    },
    uninstall: (id) => {
      const installation = installationOf(id);
      raise(installation, 'deleted');
      installation.deleted = true;
      for (const repository of world.repositories)
        if (repository.installation === installation) repository.installation = undefined;
    },
    install: (account, repos) => {
      const installation = spare.find(
        (each) => each.account.login === account && !world.installations.includes(each),
      );
      if (installation === undefined) throw new Error(`\`${account}\` cannot install the app again`);
      world.installations.push(installation);
      for (const repo of repos) repositoryOf(repo).installation = installation;
      raise(installation, 'created');
      return installation.id;
    },
    accept: (id, permissions = world.app.permissions) => {
      const installation = installationOf(id);
      installation.permissions = permissions;
      raise(installation, 'new_permissions_accepted');
    },
    addRepository: (repo, id) => {
      const repository = repositoryOf(repo);
      const installation = installationOf(id);
      repository.installation = installation;
      raiseChange(installation, repository, 'added');
    },
    removeRepository: (repo) => {
      const repository = repositoryOf(repo);
      const { installation } = repository;
      repository.installation = undefined;
      if (installation !== undefined) raiseChange(installation, repository, 'removed');
    },
    setMerging: (repo, to) => {
      const repository = repositoryOf(repo);
      repository.settings = { ...repository.settings, ...to };
    },
    setDismissal: (repo, dismisses) => void (repositoryOf(repo).dismissesStale = dismisses),
    setDeletionWins: (repo, wins) => void (repositoryOf(repo).deletionWins = wins),
    setRules: (repo, rulesets) =>
      void (repositoryOf(repo).rulesets = rulesets.map((each) => ({ ...each, id: world.nextId() }))),
    checkByOther: async (repo, { name, sha, ...body }, app = ACTIONS) => {
      const repository = repositoryOf(repo);
      const suite = await suiteFor(world, repository, sha, app);
      const actor = { kind: 'user', user: repository.owner } as const;
      return createRun({ world, repository, actor, body }, name, suite).id;
    },
    rename: async (repo, newName) => {
      const repository = repositoryOf(repo);
      const { name, owner } = repository;
      repository.formerNames.push(fullName(repository));
      repository.name = newName;
      await emulator.ask(owner.login, 'PATCH', `/repos/${owner.login}/${name}`, { name: newName });
      const payload = { changes: { repository: { name: { from: name } } } };
      world.raise({ event: 'repository', action: 'renamed', sender: owner, repository, payload });
    },
    transfer: (repo, newOwner) => {
      const repository = repositoryOf(repo);
      const { owner, installation } = repository;
      repository.formerNames.push(fullName(repository));
      repository.owner = personNamed(newOwner);
      const theirs = world.installations.find((each) => each.account === repository.owner && !each.deleted);
      repository.installation = theirs;
      const told = theirs ?? installation;
      world.raise({
        event: 'repository',
        action: 'transferred',
        sender: owner,
        repository,
        ...(told !== undefined && { installation: told }),
        payload: { changes: { owner: { from: { user: viewUser(world, owner) } } } },
      });
    },
    deleteRepository: (repo) => {
      const repository = repositoryOf(repo);
      world.raise({
        event: 'repository',
        action: 'deleted',
        sender: repository.owner,
        repository,
        payload: {},
      });
      world.repositories.splice(world.repositories.indexOf(repository), 1);
    },
    renameAccount: (login, newLogin) => {
      const account = personNamed(login);
      for (const repository of world.repositories)
        if (repository.owner === account) repository.formerNames.push(fullName(repository));
      for (const { collaborators } of world.repositories) {
        const level = collaborators.get(login.toLowerCase());
        collaborators.delete(login.toLowerCase());
        if (level !== undefined) collaborators.set(newLogin.toLowerCase(), level);
      }
      account.login = newLogin;
    },
    fork: async (repo, login) => {
      const parent = repositoryOf(repo);
      const owner = personNamed(login);
      const profile = await emulator.ask(login, 'POST', `/repos/${repo}/forks`, {});
      const id = Number(profile['id']);
      const bare = await copyBare(join(parent.bare, '..'), id, parent.bare);
      const { name, drafts, isPrivate } = parent;
      const fork = { id, profile, owner, name, bare, drafts, isPrivate, parent, installation: undefined };
      world.repositories.push(newRepository(fork));
      return `${login}/${name}`;
    },
  };
}

/** GitHub's own App that reports on workflows. */
const ACTIONS: OtherApp = { id: 15368, slug: 'github-actions', name: 'GitHub Actions' };

function brief(repository: Repository): Json {
  const { id, name, isPrivate } = repository;
  return { id, node_id: nodeId('R', id), name, full_name: fullName(repository), private: isPrivate };
}
