import {
  fullName,
  nodeId,
  type Comment,
  type Installation,
  type Issue,
  type Json,
  type Label,
  type Reaction,
  type Repository,
  type User,
  type World,
} from './world.ts';

/** A user, as part of other objects. */
export function viewUser({ origin }: World, user: User): Json {
  return {
    login: user.login,
    id: user.id,
    node_id: nodeId('U', user.id),
    avatar_url: `${origin}/avatars/u/${user.id}`,
    gravatar_id: '',
    url: `${origin}/api/v3/users/${encodeURIComponent(user.login)}`,
    html_url: `${origin}/${user.type === 'Bot' ? 'apps/' : ''}${user.login.replace('[bot]', '')}`,
    type: user.type,
    site_admin: false,
  };
}

/** The short form of a webhook's sender. */
export function viewRepository(world: World, repository: Repository): Json {
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}`;
  const html = `${world.origin}/${fullName(repository)}`;
  const was = String(repository.profile['url']);
  const urls = Object.entries(repository.profile).flatMap(([key, value]) =>
    typeof value === 'string' && value.startsWith(was) ? [[key, api + value.slice(was.length)]] : [],
  );
  const shown = Object.entries(repository.profile).filter(([key]) => !(key in repository.settings));
  return {
    ...Object.fromEntries([...shown, ...urls]),
    id: repository.id,
    node_id: nodeId('R', repository.id),
    name: repository.name,
    full_name: fullName(repository),
    owner: viewUser(world, repository.owner),
    private: repository.isPrivate,
    visibility: repository.isPrivate ? 'private' : 'public',
    fork: repository.parent !== undefined,
    default_branch: repository.defaultBranch,
    html_url: html,
    clone_url: `${html}.git`,
    git_url: `${html}.git`.replace(/^http/, 'git'),
    svn_url: html,
    ssh_url: `git@${new URL(html).hostname}:${fullName(repository)}.git`,
  };
}

/** A repository with the fields of its own page. */
export function viewRepositoryFully(world: World, repository: Repository): Json {
  const { parent } = repository;
  const above = parent === undefined ? {} : { parent: viewRepository(world, parent) };
  return { ...viewRepository(world, repository), ...above, ...(parent && { source: above.parent }) };
}

export function viewInstallation(world: World, installation: Installation): Json {
  const account = viewUser(world, installation.account);
  return {
    id: installation.id,
    account,
    app_id: world.app.id,
    app_slug: world.app.slug,
    target_id: installation.account.id,
    target_type: installation.account.type,
    repository_selection: 'selected',
    permissions: installation.permissions,
    events: world.app.events ?? [],
    access_tokens_url: `${world.origin}/api/v3/app/installations/${installation.id}/access_tokens`,
    repositories_url: `${world.origin}/api/v3/installation/repositories`,
    html_url: `${world.origin}/settings/installations/${installation.id}`,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    single_file_name: null,
    suspended_at: installation.suspended ? '2026-01-02T00:00:00Z' : null,
    suspended_by: null,
  };
}

export function viewApp(world: World): Json {
  const { app } = world;
  return {
    id: app.id,
    slug: app.slug,
    node_id: nodeId('A', app.id),
    client_id: app.clientId,
    name: app.slug,
    owner: world.users[0] === undefined ? null : viewUser(world, world.users[0]),
    description: null,
    external_url: `${world.origin}/apps/${app.slug}`,
    html_url: `${world.origin}/apps/${app.slug}`,
    permissions: app.permissions,
    events: app.events ?? [],
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
  };
}

export function viewLabel(world: World, repository: Repository, label: Label): Json {
  return {
    id: label.id,
    node_id: nodeId('LA', label.id),
    url: `${world.origin}/api/v3/repos/${fullName(repository)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    color: label.color,
    default: false,
    description: label.description,
  };
}

/** An issue, or a pull request as the issues API shows it. */
export function viewIssue(world: World, repository: Repository, issue: Issue): Json {
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}`;
  const html = `${world.origin}/${fullName(repository)}`;
  const { number, pull } = issue;
  return {
    id: issue.id,
    node_id: nodeId('I', issue.id),
    number,
    url: `${api}/issues/${number}`,
    repository_url: api,
    labels_url: `${api}/issues/${number}/labels{/name}`,
    comments_url: `${api}/issues/${number}/comments`,
    events_url: `${api}/issues/${number}/events`,
    html_url: `${html}/${pull === undefined ? 'issues' : 'pull'}/${number}`,
    title: issue.title,
    body: issue.body,
    user: viewUser(world, issue.user),
    labels: issue.labels.map((label) => viewLabel(world, repository, label)),
    state: issue.state,
    state_reason: issue.stateReason,
    locked: false,
    assignee: issue.assignees[0] === undefined ? null : viewUser(world, issue.assignees[0]),
    assignees: issue.assignees.map((user) => viewUser(world, user)),
    milestone: null,
    comments: repository.comments.filter((comment) => comment.issue === issue).length,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    author_association: associationOf(repository, issue.user),
    active_lock_reason: null,
    performed_via_github_app: issue.viaApp ? viewApp(world) : null,
    ...(pull !== undefined && {
      draft: pull.draft,
      pull_request: {
        url: `${api}/pulls/${number}`,
        html_url: `${html}/pull/${number}`,
        diff_url: `${html}/pull/${number}.diff`,
        patch_url: `${html}/pull/${number}.patch`,
        merged_at: pull.mergedAt,
      },
    }),
  };
}

export function viewComment(world: World, repository: Repository, comment: Comment): Json {
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}`;
  const { id, issue } = comment;
  const kind = issue.pull === undefined ? 'issues' : 'pull';
  return {
    id,
    node_id: nodeId('IC', id),
    url: `${api}/issues/comments/${id}`,
    html_url: `${world.origin}/${fullName(repository)}/${kind}/${issue.number}#issuecomment-${id}`,
    issue_url: `${api}/issues/${issue.number}`,
    body: comment.body,
    user: viewUser(world, comment.user),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    author_association: associationOf(repository, comment.user),
    performed_via_github_app: comment.viaApp ? viewApp(world) : null,
  };
}

export function viewReaction(world: World, reaction: Reaction): Json {
  return {
    id: reaction.id,
    node_id: nodeId('REA', reaction.id),
    user: viewUser(world, reaction.user),
    content: reaction.content,
    created_at: reaction.createdAt,
  };
}

/** GitHub's name for the relation of a user to a repository. */
export function associationOf(repository: Repository, user: User): string {
  if (user.id === repository.owner.id) return 'OWNER';
  return repository.collaborators.has(user.login.toLowerCase()) ? 'COLLABORATOR' : 'NONE';
}
