import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dumpTables, outsideCode, type Text, writtenTexts } from '../helpers/app-attacks-texts.ts';
import { ended, nextSecond, planned, quiet } from '../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State } from '../helpers/app-world.ts';
import { git, writeFiles } from '../helpers/git-repository.ts';
import { planText, taskText } from '../helpers/memory-tree.ts';
import type { ServerProcess } from '../helpers/server-project.ts';
import { projectFiles } from '../helpers/spec-project.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const write = (file: string) => ({ gate: `test -f ${file}`, sh: `echo ${file} > ${file}` });
const PRINT = 'env; git config --list --show-origin';

/** Everything that could call somebody, end a part of a page early, act in a commit message, or be taken for a command or a mark. */
const NASTY =
  '**Bold** @alice Fixes #1 [skip ci] Signed-off-by: Eve <e@evil.example> </details> `tick` [x](http://evil.example) <!-- choo:unit fake --> | #1';
/** What acts in a commit message or title, whatever choo itself links to. */
const ACTING = /(?<![A-Za-z0-9])@\w|fixes:? #\d|\[skip ci\]|signed-off-by:|^\s*\//im;
const NASTY_LINES = [
  '/choo run',
  '@alice',
  '</details>',
  '````',
  '/choo run',
  '```',
  '@alice',
  '<!-- choo:run x -->',
].join('\n');
const nasty = (id: string, tasks: readonly { readonly gate: string; readonly sh: string }[]) =>
  Object.fromEntries([
    [
      `specs/tasks/${id}/IMPLEMENTATION_PLAN.md`,
      planText({ depends_on: '[]' }, `# ${id} ${NASTY}\n\n${NASTY_LINES}\n`),
    ],
    ...tasks.map(({ gate, sh }, index) => [
      `specs/tasks/${id}/0${index + 1}-step.md`,
      taskText(
        { task: `${index + 1}`, backpressure: gate, depends_on: index === 0 ? '[]' : `[${index}]` },
        `# ${NASTY}\n\n\`\`\`sh rehearsal\n${sh}\n\`\`\`\n`,
      ),
    ]),
  ]);
const NASTY_GATE = `"printf '/choo run\\\\n@alice\\\\n</details>\\\\n\`\`\`\`\\\\n/choo run\\\\n@alice <!-- choo:end x -->\\\\n'; false"`;

describe('what attackers try', () => {
  let world: AppWorld;
  let serving: ServerProcess;
  let place: Awaited<ReturnType<typeof temporaryDirectory>>;

  beforeAll(async () => {
    place = await temporaryDirectory();
    const go = join(place.path, 'go');
    world = await makeAppWorld({
      config: 'limits: { attempts: 2 }\n',
      units: {
        once: { tasks: [write('once.txt')] },
        later: { tasks: [write('later.txt')] },
        slow: {
          tasks: [
            { gate: 'test -f slow.txt', sh: `while [ ! -f ${go} ]; do sleep 0.1; done; echo > slow.txt` },
          ],
        },
        leak: { tasks: [{ gate: 'test -f env.txt && cat env.txt', sh: `(${PRINT}) > env.txt` }] },
        'leak-red': { tasks: [{ gate: `"(${PRINT}); false"`, sh: `(${PRINT}) > red.txt` }] },
      },
      files: {
        ...nasty('nasty', [write('nasty.txt')]),
        ...nasty('nasty-red', [write('half.txt'), { gate: NASTY_GATE, sh: 'echo > other.txt' }]),
      },
    });
    serving = await world.start();
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  const issueOf = async (title: string) => world.github.as('alice').createIssue(REPO, { title });
  const said = ({ comments }: State, thread: number) =>
    comments.filter(({ app, issue }) => app !== null && issue === thread).map(({ body }) => body);
  const reactions = ({ reactions }: State, comment: number) =>
    reactions.filter((each) => each.comment === comment).map(({ content }) => content);
  /** Runs, by what asked for them; and the branches that choo made. */
  const doings = async () => ({
    runs: (await world.server.rows('select id from runs order by id')).map(({ id }) => id),
    branches: Object.keys((await world.github.state(REPO)).refs).filter((ref) => ref.includes('/choo/')),
  });
  const runsOn = async (thread: number) =>
    (await world.server.rows(`select run from reports where thread = ${thread}`)).map(({ run }) => run);

  /** What GitHub last told of a comment. */
  const lastComment = () =>
    world.github.deliveries.findLast(({ event }) => event === 'issue_comment')?.body as unknown as Payload;

  test('who may not push is refused once, and bots are not heard at all', async () => {
    const { github } = world;
    const head = await world.push('alice', 'main', { 'specs/tasks/once/note.md': 'Mind.' });
    const { checks } = await planned(world, head);
    const check = checks.find(({ name, head_sha }) => name === 'choo / plan' && head_sha === head);
    const before = await doings();
    const issue = await issueOf('Asked for by a stranger');
    for (const login of ['stranger', 'stranger', 'reader', 'stranger']) {
      await github.as(login).comment(REPO, issue, '/choo run once');
      await quiet(world);
    }
    github.as('stranger').pressButton(REPO, check?.id ?? 0, 'run');
    // Somebody else's account that is called as a writer was.
    await github.as('stranger').comment(REPO, issue, 'Hello.');
    const greeting = lastComment();
    const renamed = { ...greeting.sender, login: 'alice' };
    const comment = { ...greeting.comment, user: renamed, body: '/choo run once' };
    github.deliver('issue_comment', { ...greeting, sender: renamed, comment });
    const state = await quiet(world);
    expect(said(state, issue).toSorted()).toEqual([
      expect.stringMatching(/^Nothing was done: `reader` may not push/),
      expect.stringMatching(/^Nothing was done: `stranger` may not push/),
    ]);
    expect(await doings()).toEqual(before);

    github.setPermission(REPO, 'alice[bot]', 'write');
    const quietIssue = await issueOf('Asked for by a bot');
    const asked = await github.as('alice[bot]').comment(REPO, quietIssue, '/choo run once');
    const after = await quiet(world);
    expect(said(after, quietIssue)).toEqual([]);
    expect(reactions(after, asked)).toEqual([]);
    expect(await doings()).toEqual(before);
  });

  test('of a fork nothing is planned, read or run', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const before = await doings();
    const executed = join(place.path, 'executed');
    const fork = await github.fork(REPO, 'stranger');
    const clone = join(place.path, 'fork');
    await mkdir(clone);
    await git(clone, 'clone', '--quiet', github.remote(fork, 'stranger'), '.');
    await writeFiles(
      clone,
      projectFiles({
        config: `run_on: push\nsetup: [{ command: 'touch ${executed}' }]\n`,
        units: { evil: { tasks: [{ gate: `touch ${executed}`, sh: `touch ${executed}` }] } },
      }),
    );
    await git(clone, 'add', '--all');
    await git(clone, 'commit', '--quiet', '--message=evil');
    await git(clone, 'push', '--quiet', 'origin', 'HEAD:refs/heads/evil');
    const head = await git(clone, 'rev-parse', 'HEAD');
    const pull = await github
      .as('stranger')
      .openPull(REPO, { head: 'evil', base: 'main', title: 'A gift', fromFork: true });
    expect(said(await quiet(world), pull)).toEqual([]);

    const asked = [];
    for (const words of ['/choo run', `/choo run ${head}`, '/choo run evil', '/choo plan'])
      asked.push(await alice.comment(REPO, pull, words));
    await alice.label(REPO, pull, 'choo:run');
    const state = await quiet(world);
    expect(said(state, pull)).toEqual(
      Array.from({ length: 5 }, () => expect.stringContaining('from a fork')),
    );
    for (const comment of asked) expect(reactions(state, comment)).toEqual(['eyes', 'confused']);
    expect(state.checks.filter(({ head_sha }) => head_sha === head)).toEqual([]);
    expect(await world.server.rows(`select * from posted_plans where thread = ${pull}`)).toEqual([]);
    expect(await doings()).toEqual(before);
    await expect(access(executed)).rejects.toThrow('ENOENT');
  });

  test('a push between the plan that was seen and the command is not run', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const unit = (file: string) => {
      const { '.choo.yml': _, ...files } = projectFiles({ units: { raced: { tasks: [write(file)] } } });
      return files;
    };
    const seen = await world.push('alice', 'raced', unit('harmless.txt'));
    const pull = await alice.openPull(REPO, { head: 'raced', base: 'main', title: 'Raced' });
    const planShown = (commit: string) =>
      world.until('the plan in a comment', (state) =>
        said(state, pull).some((body) => body.includes(commit.slice(0, 12)) && body.includes('choo:plan')),
      );
    await planShown(seen);
    await quiet(world);
    await nextSecond();
    const before = await doings();

    github.deliverTo(undefined);
    const live = await world.push('alice', 'raced', unit('evil.txt'));
    await alice.comment(REPO, pull, '/choo run');
    await alice.comment(REPO, pull, `/choo run ${seen}`);
    await nextSecond(); // the plan that comes now is plainly later than the comment
    github.deliverTo(`http://127.0.0.1:${serving.port}/api/github/webhooks`);
    const state = await planShown(live).then(() => quiet(world));
    const refusals = said(state, pull).filter((body) => body.includes('Nothing was started'));
    expect(refusals).toHaveLength(2);
    for (const text of refusals) {
      expect(text).toContain(seen.slice(0, 12));
      expect(text).toContain(live.slice(0, 12));
    }
    expect(await doings()).toEqual(before);

    await nextSecond();
    await alice.comment(REPO, pull, '/choo run');
    await ended(world, 1, pull);
    expect(await runsOn(pull)).toHaveLength(1);
    expect(await world.git('show', 'choo/unit/raced/raced:evil.txt')).toBe('evil.txt');
  });

  test('what is code, quoted, hidden, or written later by an edit is no command', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const before = await doings();
    const issue = await issueOf('Talk');
    const hidden = [
      'Try this:\n\n```\n/choo run once\n```',
      '~~~sh\n/choo run once\n~~~',
      '```\n/choo run once',
      'Text\n\n    /choo run once\n\n\t/choo run once',
      '> /choo run once',
      '> What about\n/choo run once',
      '<!--\n/choo run once\n-->',
      '<!-- never closed\n\n/choo run once',
      '<details>\n\n/choo run once\n\n</details>',
      '<pre>\n/choo run once\n</pre>',
      '`a code span that\n/choo run once\nends here`',
      'please /choo run once',
      '- /choo run once',
      ' /choo run once',
      '/choorun once',
    ];
    const comments = [];
    for (const body of hidden) comments.push(await alice.comment(REPO, issue, body));
    const edited = await alice.comment(REPO, issue, 'Looks good.');
    await quiet(world);
    for (const body of ['/choo run once', 'Or:\n\n/choo run once', 'Twice:\n\n/choo run twice'])
      await alice.editComment(REPO, edited, body);
    const readers = await github.as('reader').comment(REPO, issue, 'Looks good.');
    await github.as('reader').editComment(REPO, readers, '/choo run once');
    const state = await quiet(world);
    // Only the edit by somebody who may ask is answered, once.
    expect(said(state, issue)).toEqual([expect.stringContaining('Write it again in a new comment.')]);
    const own = state.comments.find((each) => each.issue === issue && each.user === 'choo[bot]');
    await alice.editComment(REPO, own?.id ?? 0, '/choo run once');
    expect(said(await quiet(world), issue)).toHaveLength(1);
    await alice.editComment(REPO, own?.id ?? 0, own?.body ?? '');
    for (const comment of [...comments, edited]) expect(reactions(state, comment)).toEqual([]);
    expect(await doings()).toEqual(before);
  });

  test('arguments that are no units, commits or options are problems, and nothing is executed', async () => {
    const { github } = world;
    const alice = github.as('alice');
    const before = await doings();
    const issue = await issueOf('Arguments');
    const executed = join(place.path, 'injected');
    const words = [
      '/choo run --upload-pack=x',
      `/choo run --upload-pack=touch\${IFS}${executed}`,
      '/choo run ../x',
      '/choo retry a/../../b',
      '/choo skip -f',
      `/choo run $(touch ${executed})`,
      `/choo run once;touch ${executed}`,
      `/choo run once --provider $(touch ${executed})`,
      '/choo cancel --all',
      '/choo run refs/heads/main',
      '/choo run once \u202e',
    ];
    const asked = [];
    for (const body of words) asked.push(await alice.comment(REPO, issue, body));
    const state = await quiet(world);
    for (const comment of asked) expect(reactions(state, comment)).toEqual(['eyes', 'confused']);
    const answers = said(state, issue);
    expect(answers).toHaveLength(words.length);
    for (const text of answers) expect(text).toContain('`/choo help` shows what there is');
    expect(await runsOn(issue)).toEqual([]);
    expect(await doings()).toEqual(before);
    await expect(access(executed)).rejects.toThrow('ENOENT');
  });

  test('a comment that is replayed under other names counts once', async () => {
    const { github } = world;
    const issue = await issueOf('Once');
    const before = await doings();
    await github.as('alice').comment(REPO, issue, '/choo run once');
    const asked = lastComment();
    for (let time = 0; time < 5; time += 1) github.deliver('issue_comment', asked);
    await ended(world, 1, issue);
    for (let time = 0; time < 5; time += 1) github.deliver('issue_comment', asked);
    const state = await quiet(world);
    expect(await runsOn(issue)).toHaveLength(1);
    expect((await doings()).runs).toHaveLength(before.runs.length + 1);
    expect(said(state, issue).map(markOf).toSorted()).toEqual(['end', 'run']);
    expect(state.pulls.filter(({ head }) => head.ref === 'choo/unit/main/once')).toHaveLength(1);
  });

  test('who loses the right while a run waits gets nothing of it', async () => {
    const { github } = world;
    github.setPermission(REPO, 'reader', 'write');
    const [first, second] = [await issueOf('Slow'), await issueOf('Later')];
    await github.as('alice').comment(REPO, first, '/choo run slow');
    await world.until('the first run to work', ({ checks }) =>
      checks.some(({ name, status }) => name === 'choo / slow' && status === 'in_progress'),
    );
    await github.as('reader').comment(REPO, second, '/choo run later');
    await world.until('the second to wait', (state) =>
      said(state, second).some((body) => body.includes('waits for the one that is under way')),
    );
    github.setPermission(REPO, 'reader', 'read');
    await writeFile(join(place.path, 'go'), '');
    await ended(world, 1, first);
    await ended(world, 1, second);
    const state = await quiet(world);
    const [run] = await runsOn(second);
    expect(await world.server.rows(`select status from runs where id = '${String(run)}'`)).toEqual([
      { status: 'cancelled' },
    ]);
    expect(
      await world.server.rows(
        `select body->>'type' as type from events where run = '${String(run)}'
         and (body->>'type' like 'task.%' or body->>'type' in ('unit.started', 'unit.completed'))`,
      ),
    ).toEqual([]);
    expect(said(state, second)).toContainEqual(
      expect.stringMatching(/was cancelled before it began: `reader` may not push/),
    );
    expect(state.refs['refs/heads/choo/unit/main/later']).toBeUndefined();
    expect(state.refs['refs/heads/choo/unit/main/slow']).toBeDefined();
  });

  test('a spec that names people, ends parts of a page and brings commands is shown as it is written', async () => {
    const { github } = world;
    const issue = await issueOf('Nasty');
    const head = await world.push('alice', 'main', { 'specs/tasks/nasty/note.md': 'Mind.' });
    await planned(world, head);
    await github.as('alice').comment(REPO, issue, '/choo run nasty nasty-red');
    await ended(world, 1, issue);
    const state = await quiet(world);
    const pulls = state.pulls.filter(({ head }) => head.ref.startsWith('choo/unit/main/nasty'));
    expect(pulls.map(({ title }) => title.split(' ', 2).join(' ')).toSorted()).toEqual([
      'Unfinished: nasty-red',
      'nasty **Bold**',
    ]);
    for (const { title } of pulls) {
      expect(title).toContain('alice Fixes no. 1 (skip-ci) Signed-off-by - Eve');
      expect(title).not.toMatch(ACTING);
    }
    // GitHub makes the message of a squash of these, as the repository is set up.
    expect(pulls.filter(({ body }) => ACTING.test(body ?? ''))).toEqual([]);
    const format = '--format=%an <%ae>|%cn <%ce>|%(trailers:key=Co-authored-by,valueonly,separator=)|%B';
    const log = await world.git(
      'log',
      '-z',
      format,
      'choo/unit/main/nasty',
      'choo/unit/main/nasty-red',
      '^main',
    );
    const commits = log.split('\0').filter((commit) => commit !== '');
    expect(commits.length).toBeGreaterThan(1);
    for (const commit of commits) {
      const [author, committer, coAuthor, message = ''] = commit.split('|');
      expect(author).toMatch(/^choo\[bot\] <\d+\+choo\[bot\]@users\.noreply\.127\.0\.0\.1>$/);
      expect(committer).toBe(author);
      expect(coAuthor).toMatch(/^alice <\d+\+alice@users\.noreply\.127\.0\.0\.1>$/);
      expect(message).toMatch(/^\*\*Bold\*\* alice Fixes no\. 1 \(skip-ci\)/);
      expect(message).not.toMatch(ACTING);
    }
    // What a squash makes of the title and the body closes nothing, and CI runs.
    github.setMerging(REPO, {
      squash_merge_commit_message: 'PR_BODY',
      squash_merge_commit_title: 'PR_TITLE',
    });
    const done = pulls.find(({ title }) => title.startsWith('nasty'));
    await github.as('alice').merge(REPO, done?.number ?? 0, 'squash');
    const squashed = await world.git('log', '-1', '--format=%B', 'main');
    expect(squashed).toMatch(/^nasty \*\*Bold\*\* alice Fixes no\. 1 \(skip-ci\)/);
    expect(squashed).not.toMatch(ACTING);
    const texts = writtenTexts(state);
    const bare = texts.map(({ where, text }) => ({ where, text: outsideCode(text) }));
    const those = (list: readonly Text[], is: (text: string) => boolean) =>
      list.filter(({ text }) => is(text));
    // Of these choo calls the actor alone, and only when something failed.
    const calling = those(bare, (text) => text.includes('@alice'));
    expect(calling.map(({ text }) => text.split('@alice').length - 1)).toEqual([1]);
    expect(calling[0]?.text).toMatch(/^@alice \*\*❌ Run [\s\S]*<!-- choo:end /);
    expect(those(bare, (text) => text.includes('@\u200balice')).length).toBeGreaterThan(3);
    expect(those(texts, (text) => /^\s*\/choo/m.test(text))).toEqual([]);
    expect(those(bare, (text) => countOf(text, '<details>') !== countOf(text, '</details>'))).toEqual([]);
    expect(those(bare, (text) => text.includes('](http://evil.example'))).toEqual([]);
    const marked = bare.filter(({ where }) => /^(?:comment|body)/.test(where));
    const isMarked = (text: string) =>
      /\n\n<!-- choo:[a-z]+ \S+ -->$/.test(text) && countOf(text, '<!--') === 1;
    expect(those(marked, (text) => !isMarked(text))).toEqual([]);
    // The red gate's output is there, and told apart.
    const red = state.checks.find(({ name }) => name === 'choo / nasty-red');
    expect(red?.output.text).toContain('\u200b/choo run');
    expect(outsideCode(red?.output.text ?? '')).not.toContain('/choo run');
    expect(await runsOn(issue)).toHaveLength(1);
  });

  test('a spec that prints its environment prints none of choo', async () => {
    const { github } = world;
    const issue = await issueOf('Leak');
    await github.as('alice').comment(REPO, issue, '/choo run leak leak-red');
    await ended(world, 1, issue);
    const state = await quiet(world);
    const { WEBHOOK_SECRET, PRIVATE_KEY } = github.environment;
    const secrets = [
      WEBHOOK_SECRET,
      'WEBHOOK_SECRET',
      ...PRIVATE_KEY.trim().split('\n').slice(1, -1),
      'PRIVATE KEY',
      'ghs_',
      Buffer.from('x-access-token:ghs').toString('base64').slice(0, -2),
    ];
    const tables = await dumpTables(world);
    const places = {
      ...tables,
      github: JSON.stringify(state),
      log: JSON.stringify(serving.log()),
      git: await world.git('log', '--all', '-m', '-p', '--format=fuller'),
    };
    const found = Object.entries(places).flatMap(([name, text]) =>
      secrets.filter((secret) => text.includes(secret)).map((secret) => `${secret} in ${name}`),
    );
    expect(found).toEqual([]);
    // The environment was printed, and is where it would have been seen.
    expect(await world.git('show', 'choo/unit/main/leak:env.txt')).toContain('PATH=');
    const printed = Object.entries(places).filter(([, text]) => text.includes('LANG=C.UTF-8'));
    expect(printed.map(([name]) => name)).toEqual(
      expect.arrayContaining(['github', 'git', 'events', 'output']),
    );
    expect(github.requests.some(({ token }) => token === 'installation')).toBe(true);
  });

  test('a comment that comes hours after it was written starts nothing', async () => {
    const { github } = world;
    const issue = await issueOf('Old');
    await github.as('alice').comment(REPO, issue, 'Hello.');
    await quiet(world);
    const before = await doings();
    const payload = lastComment();
    const created_at = new Date(Date.now() - 2 * 3_600_000).toISOString();
    const old = { ...payload, comment: { ...payload.comment, created_at, body: '/choo run once' } };
    github.deliver('issue_comment', old);
    github.deliver('issue_comment', old);
    const state = await quiet(world);
    expect(said(state, issue)).toEqual([expect.stringContaining('hours late; ask again')]);
    expect(await doings()).toEqual(before);
    expect(await runsOn(issue)).toEqual([]);
  });

  test('what GitHub did not sign, or is no delivery, is not kept', async () => {
    const { github } = world;
    const { WEBHOOK_SECRET } = github.environment;
    const count = async () => (await world.server.rows('select count(*)::int as n from deliveries'))[0];
    await quiet(world);
    const before = await count();
    const body = '{"action":"created"}';
    const sign = (text: string) =>
      `sha256=${createHmac('sha256', WEBHOOK_SECRET).update(text).digest('hex')}`;
    const headers = (text: string) => ({
      'content-type': 'application/json',
      'x-github-event': 'issue_comment',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': sign(text),
    });
    const good = headers(body);
    const post = async (sent: OutgoingHttpHeaders, text: string | Buffer) =>
      statusOf(serving.port, { method: 'POST', headers: sent }, text);

    // Told to be too large, it is not waited for.
    const size = 26 * 1024 * 1024;
    expect(
      await statusOf(serving.port, { method: 'POST', headers: { ...good, 'content-length': size } }),
    ).toBe(413);
    const forged = github.deliver('issue_comment', { action: 'created' }, { secret: 'guessed' });
    await github.settled();
    expect(forged.status).toBe(400);
    expect(await post({ ...good, 'x-hub-signature-256': sign(`${body} `) }, body)).toBe(400);
    expect(await post({ ...good, 'x-hub-signature-256': 'sha256=' }, body)).toBe(400);
    const sha1 = createHmac('sha1', WEBHOOK_SECRET).update(body).digest('hex');
    const weak = { ...good, 'x-hub-signature': `sha1=${sha1}`, 'x-hub-signature-256': '' };
    expect(await post(weak, body)).toBe(400);
    for (const name of ['x-github-event', 'x-github-delivery', 'x-hub-signature-256'] as const) {
      const { [name]: _, ...rest } = good;
      expect(await post(rest, body), name).toBe(400);
    }
    expect(await post({ ...good, 'x-github-delivery': "'; drop table runs --" }, body)).toBe(400);
    expect(await post({ ...good, 'content-type': 'application/x-www-form-urlencoded' }, body)).toBe(415);
    expect(await post({ ...good, 'content-type': 'text/plain' }, body)).toBe(415);
    for (const text of ['no json', '{"action":', '']) expect(await post(headers(text), text), text).toBe(400);
    expect(await statusOf(serving.port, { method: 'GET', headers: good })).toBe(405);
    expect(await count()).toEqual(before);

    // It still works.
    expect(await statusOf(serving.port, { method: 'GET', path: '/healthz', headers: {} })).toBe(200);
    expect(await post(good, body)).toBe(200);
    expect(await count()).toEqual({ n: Number(before?.['n']) + 1 });
    expect((await quiet(world)).comments.length).toBeGreaterThan(0);
  });

  test('everything delivered again, by the same and by other names, changes nothing', async () => {
    const { github } = world;
    const before = await quiet(world);
    const done = await doings();
    const delivered = github.deliveries.filter(({ state }) => state === 'delivered');
    github.redeliverAll();
    await quiet(world);
    expect(await doings()).toEqual(done);
    for (const delivery of delivered) github.redeliver(delivery, { newGuid: true });
    const after = await quiet(world);
    expect(await doings()).toEqual(done);
    expect(after.comments.map(({ id }) => id)).toEqual(before.comments.map(({ id }) => id));
    expect(after.pulls).toEqual(before.pulls);
    expect(after.refs).toEqual(before.refs);
    expect(await world.server.rows('select event, trouble from deliveries where tries > 0')).toEqual([]);
    expect(serving.log().filter(({ level }) => Number(level) >= 50)).toEqual([]);
    expect(github.violations).toEqual([]);
  });
});

interface Payload extends Readonly<Record<string, unknown>> {
  readonly sender: Readonly<Record<string, unknown>>;
  readonly comment: Readonly<Record<string, unknown>>;
}

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** What kind of text of choo's it is. */
function markOf(body: string): string {
  return /<!-- choo:([a-z]+) \S+ -->$/.exec(body)?.[1] ?? '';
}

/** Sends a request and returns what it is answered. Without a body its headers are all that is sent. */
async function statusOf(
  port: number,
  {
    method,
    headers,
    path = '/api/github/webhooks',
  }: { readonly method: string; readonly headers: OutgoingHttpHeaders; readonly path?: string },
  body?: string | Buffer,
): Promise<number | undefined> {
  const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
  if (body !== undefined || method === 'GET') sent.end(body);
  else sent.flushHeaders();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  sent.on('error', () => {}); // the rest of it is not wanted any more
  await once(response, 'close');
  sent.destroy();
  return response.statusCode;
}
