import { realpathSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../src/errors.ts';
import { openTerminal } from '../src/cli/terminal.ts';
import { PROVIDER_NAMES } from '../src/config/schema.ts';
import { openBubblewrap } from '../src/sandbox/bubblewrap/bubblewrap.ts';
import { type GitHub, startGitHub } from '../stand-in/stand-in.ts';
import { startApp } from './app-process.ts';
import { renderPage } from './page.ts';
import { clone, keepBranches, projectWithoutSpecs, pushSpecs } from './sample.ts';
import { watchRun } from './watch.ts';

const REPO = 'you/tally';
const terminal = openTerminal(process.stdout, process.stderr);
const { paint } = terminal;
const width = Math.min(100, process.stdout.columns || 80);

const HELP = `script/demo [--provider NAME] [--keep]

choo as a GitHub App, entirely on this machine: a stand-in for GitHub with a sample
repository, the App, a push of the specs, a comment that requests a run, and the results.
No account and no key: the provider rehearsal runs a code block of each task
instead of an agent.

  --provider NAME  use a real agent instead: ${PROVIDER_NAMES.join(', ')}
                   (it takes its key from your environment, and spends your money)
  --keep           leave everything running at the end, until Ctrl-C
  --help           show this help

Exit status: 0 every check of the results passed, 1 one failed, 2 wrong usage.
`;

const NEXT_STEPS = `${paint('bold', 'Next, on GitHub (docs/github-app.md)')}
  script/choo serve --setup --url https://choo.example.com   registers your App
  script/choo serve                                          serves it
`;

type State = Awaited<ReturnType<GitHub['state']>>;

try {
  const { values } = parseArgs({
    options: {
      provider: { type: 'string', default: 'rehearsal' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) process.stdout.write(HELP);
  else if (PROVIDER_NAMES.some((name) => name === values.provider)) await demo(values.provider, values.keep);
  else
    throw new TypeError(
      `unknown provider \`${values.provider}\`; choose one of ${PROVIDER_NAMES.join(', ')}`,
    );
} catch (error) {
  process.stderr.write(`demo: ${messageOf(error)}\n`);
  process.exitCode = error instanceof TypeError ? 2 : 1;
}

async function demo(provider: string, keep: boolean): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const started = performance.now();
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'choo-demo-')));
  const dataDirectory = await realpath(await mkdtemp(join(tmpdir(), 'choo-demo-data-')));
  stack.defer(async () => rm(dataDirectory, { recursive: true, force: true, maxRetries: 5 }));
  const sandbox = await chooseSandbox(dataDirectory);

  say('A stand-in for GitHub with the repository', REPO);
  const github = stack.use(
    await startGitHub({
      users: [{ login: 'you' }],
      repositories: [{ owner: 'you', name: 'tally', files: await projectWithoutSpecs() }],
    }),
  );
  say(
    'choo as a GitHub App',
    `choo serve, ${sandbox === 'host' ? 'NOT sandboxed' : 'sandboxed'}, built-in PostgreSQL`,
  );
  const app = stack.use(
    await startApp(github, {
      CHOO_DATA_DIR: dataDirectory,
      CHOO_SANDBOX: sandbox,
      CHOO_ALLOWED_PROVIDERS: provider === 'rehearsal' ? provider : `rehearsal,${provider}`,
      CHOO_WRITE_PAUSE_MS: '0',
      CHOO_DRAIN_SECONDS: '0',
    }),
  );
  github.deliverTo(app.webhooks);

  const project = join(folder, 'tally');
  await mkdir(folder, { recursive: true });
  await clone(github.remote(REPO, 'you'), project);
  const commit = await pushSpecs(project);
  say('You push seven small specs', `git push, ${commit.slice(0, 7)} on main`);
  await until(github, 'the plan', ({ checks }) =>
    checks.some(({ name, status }) => name === 'choo / plan' && status === 'completed'),
  );
  const issue = await github.as('you').createIssue(REPO, { title: 'Build the word counter' });
  const command = provider === 'rehearsal' ? '/choo run' : `/choo run --force-provider ${provider}`;
  await github.as('you').comment(REPO, issue, command);
  say('You write a comment', command);
  terminal.out('\n');
  await watchRun(dataDirectory, terminal);
  const state = await until(github, 'the final comment', ({ comments }) =>
    comments.some(({ body }) => body.includes('<!-- choo:end')),
  );
  await github.settled();
  await keepBranches(project);

  tour(state, commit, sandbox);
  const wrong = [...check(state, commit), ...(await squash(github, state))];
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  if (wrong.length > 0) throw new Error(`missing on the stand-in:\n  ${wrong.join('\n  ')}`);
  terminal.out(
    `\n${paint('green', '✓')} Checked on the stand-in: one pull request per unit, each on the right base;\n  one status comment; one green check per unit and commit; what was on top of the
  squashed ones ready on main, at a head whose gates passed. ${seconds} s.\n\n`,
  );
  terminal.out(
    `A clone with every branch is left at ${project}\n  git -C ${project} log --graph --oneline --all\n\n`,
  );
  terminal.out(NEXT_STEPS);
  if (keep) {
    terminal.out(
      `\nStill running, until Ctrl-C:\n  the dashboard  ${app.dashboard}\n  GitHub's API   ${github.origin}/api/v3/repos/${REPO}/pulls\n`,
    );
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    });
  }
}

function say(what: string, detail: string): void {
  terminal.out(`${paint('cyan', '▸')} ${what}: ${paint('dim', detail)}\n`);
}

/** Bubblewrap where its self-test passes. Otherwise warns, and the sample runs without a sandbox. */
async function chooseSandbox(directory: string): Promise<'bubblewrap' | 'host'> {
  const nodePath = dirname(realpathSync(process.execPath));
  const sandbox = openBubblewrap({
    searchPath: process.env['PATH'] ?? '',
    nodePath,
    owner: `choo-demo-${process.pid}`,
    directory,
  });
  const result = await sandbox.selfTest();
  if (result.ok) return 'bubblewrap';
  terminal.notice(
    `bubblewrap does not work here: ${result.reason}\n  ${result.hint}\nThis demo runs its own sample without a sandbox (CHOO_SANDBOX=host). Do not run a server that way.\n\n`,
  );
  return 'host';
}

async function until(github: GitHub, what: string, holds: (state: State) => boolean): Promise<State> {
  for (const end = Date.now() + 120_000; ;) {
    const state = await github.state(REPO);
    if (holds(state)) return state;
    if (Date.now() > end) throw new Error(`${what} did not appear within two minutes`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function section(title: string): void {
  const line = paint('dim', '─'.repeat(Math.max(0, width - title.length - 4)));
  terminal.out(`\n${paint('bold', `── ${title} `)}${line}\n\n`);
}

/** Squash-merges what is at the bottom, and shows what becomes of the rest. Returns what is missing on GitHub. */
async function squash(github: GitHub, { pulls }: State): Promise<readonly string[]> {
  section('You squash-merge the pull requests at the bottom');
  const [bottom, top] = [true, false].map((isReady) => pulls.filter(({ draft }) => draft !== isReady));
  for (const { number, title } of bottom ?? []) {
    await github.as('you').merge(REPO, number, 'squash');
    terminal.out(`  #${number} ${title}: ${paint('dim', 'squashed into main')}\n`);
  }
  const wrong: string[] = [];
  for (const { number, title } of top ?? []) {
    const { pulls: now, checks } = await until(github, `pull request #${number} on main`, (state) =>
      state.pulls.some((pull) => pull.number === number && pull.base.ref === 'main' && !pull.draft),
    );
    const head = now.find((pull) => pull.number === number)?.head.sha;
    const isVerified = checks.some(
      ({ head_sha, conclusion }) => head_sha === head && conclusion === 'success',
    );
    if (!isVerified) wrong.push(`a green check on the head of #${number}`);
    terminal.out(
      `  #${number} ${title}: ${paint('dim', 'brought up to date with main; its gates passed again,\n     without an agent. It is ready, and shows its own work only.')}\n`,
    );
  }
  return wrong;
}

function tour({ checks, comments, pulls }: State, commit: string, sandbox: string): void {
  const page = (markdown: string): void => terminal.out(`${renderPage(markdown, { width, paint })}\n`);
  const plan = checks.find(({ name, head_sha }) => name === 'choo / plan' && head_sha === commit);
  section(`The check "choo / plan" on the commit you pushed: ${plan?.conclusion ?? ''}`);
  page(plan?.output.summary ?? '');
  section('The one status comment');
  if (sandbox === 'host') terminal.out(`${paint('yellow', 'This run was not sandboxed.')}\n\n`);
  page(comments.find(({ body }) => body.includes('<!-- choo:run'))?.body ?? '');
  section('The pull requests, stacked');
  for (const { number, title, draft, head, base } of pulls)
    terminal.out(
      `  #${number} ${title}${draft ? paint('dim', ' (draft)') : ''}\n     ${paint('dim', `${base.ref} ← ${head.ref}`)}\n`,
    );
  const [first] = pulls.toSorted((a, b) => b.number - a.number);
  section(`Pull request #${first?.number ?? ''} as its reviewer sees it`);
  page(first?.body ?? '');
}

/** Checks the results on GitHub. Returns what is missing there. */
function check({ pulls, comments, checks, refs }: State, commit: string): readonly string[] {
  const units = ['bar-chart', 'count-words', 'tally-command'];
  const wrong: string[] = [];
  const must = (holds: boolean, what: string): void => void (holds || wrong.push(what));
  must(pulls.length === units.length, `${units.length} pull requests, not ${pulls.length}`);
  must(comments.filter(({ body }) => body.includes('<!-- choo:run')).length === 1, 'one status comment');
  for (const unit of units) {
    const branch = `choo/unit/main/${unit}`;
    const pull = pulls.find(({ head }) => head.ref === branch);
    const head = refs[`refs/heads/${branch}`];
    must(pull !== undefined && pull.head.sha === head, `a pull request of ${unit} at its branch`);
    const stacked = unit === 'tally-command';
    must(pull?.draft === stacked, `${unit} ${stacked ? 'a draft' : 'no draft'}`);
    must(stacked || pull?.base.ref === 'main', `${unit} goes to main`);
    for (const sha of [commit, head])
      must(
        checks.filter(
          (each) => each.name === `choo / ${unit}` && each.head_sha === sha && each.conclusion === 'success',
        ).length === 1,
        `one green check of ${unit} on ${sha?.slice(0, 7) ?? 'its head'}`,
      );
  }
  return wrong;
}
