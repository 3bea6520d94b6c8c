import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ended, planned, quiet } from '../../helpers/app-waits.ts';
import { makeAppWorld, REPO } from '../../helpers/app-world.ts';

const DOCS = new URL('../../../docs/github-app.md', import.meta.url);
const [BEGIN, END] = ['<!-- begin review round -->', '<!-- end review round -->'];

/** What the agent plays on a review of two threads. */
const PLAY = `set -- $CHOO_THREADS
sed -i 's/^hello$/hello, world/' greeting.txt
echo hello >> greeting.txt
printf '{"answers":[{"thread":"%s","kind":"fixed","text":"It greets the world now."},{"thread":"%s","kind":"declined","text":"The specs ask for small letters."}],"summary":"I changed the first line."}' "$1" "$2" > "$CHOO_ANSWERS"`;

const quote = (text: string): string =>
  text
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
/** Without where a commit is shown, and without the markers. */
const plain = (text: string): string =>
  text
    .replaceAll(/\[(`[0-9a-f]{12}`)\]\([^)]*\)/g, '$1')
    .replaceAll(/<!--.*?-->/gs, '')
    .trim();
const anyCommit = (text: string): string => text.replaceAll(/`[0-9a-f]{12}`/g, '`COMMIT`');

test('the documentation shows a round of review as GitHub shows it', { timeout: 600_000 }, async () => {
  await using world = await makeAppWorld({
    units: {
      greeting: {
        sh: PLAY,
        tasks: [{ gate: 'grep -qx hello greeting.t?t', sh: 'echo hello > greeting.txt' }],
      },
    },
  });
  await world.start();
  const alice = world.github.as('alice');
  await planned(world, await world.push('alice', 'main', { 'specs/tasks/greeting/note.md': 'Mind.' }));
  const issue = await alice.createIssue(REPO, { title: 'Build it' });
  await alice.comment(REPO, issue, '/choo run');
  await ended(world, 1);
  const [pull] = (await quiet(world)).pulls;
  await alice.review(REPO, pull?.number ?? 0, {
    event: 'REQUEST_CHANGES',
    body: 'Two points.',
    comments: ['Greet the world.', 'Why not in capitals?'].map((body) => ({
      path: 'greeting.txt',
      line: 1,
      body,
    })),
  });
  await world.until('the answer', ({ reviews }) => reviews.some(({ user }) => user === 'choo[bot]'), 240_000);
  const { reviews, threads, refs } = await quiet(world);
  const head = refs[`refs/heads/${pull?.head.ref}`] ?? '';
  const subject = await world.git('log', '-1', '--format=%s', head);
  const shown = [
    `Reviewed by \`alice\` on the pull request of the unit \`greeting\`:`,
    quote(threads.map(({ path, comments }) => `**${path}:** ${comments[0]?.body}`).join('\\\n')),
    `The branch then has one more commit, *${subject}*, and choo's review says:`,
    quote(plain(reviews.find(({ user }) => user === 'choo[bot]')?.body ?? '')),
    'Its replies in the threads, of which the first is resolved:',
    quote(threads.map(({ comments }) => plain(comments.at(-1)?.body ?? '')).join('\\\n')),
  ].join('\n\n');
  expect(threads.map(({ resolvedBy }) => resolvedBy)).toEqual(['choo[bot]', null]);
  const docs = readFileSync(DOCS, 'utf8');
  const written = docs.slice(docs.indexOf(BEGIN) + BEGIN.length, docs.indexOf(END)).trim();
  expect(anyCommit(written), `the documentation should have:\n${shown}`).toBe(anyCommit(shown));
});
