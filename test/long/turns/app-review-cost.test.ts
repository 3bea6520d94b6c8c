import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { ended, planned, quiet } from '../../helpers/app-waits.ts';
import { makeAppWorld, REPO } from '../../helpers/app-world.ts';

/** A line of Claude Code's stream: a message, and how many tokens it took: of these, a million are three dollars. */
const message = (id: string, tokens: number): string =>
  JSON.stringify({
    type: 'assistant',
    message: {
      id,
      model: 'claude-sonnet-4-5',
      content: [{ type: 'text', text: 'At work.' }],
      usage: { input_tokens: tokens, output_tokens: 0 },
    },
  });
const RESULT = JSON.stringify({
  type: 'result',
  subtype: 'success',
  is_error: false,
  num_turns: 1,
  result: 'Done',
  total_cost_usd: 0.01,
  usage: { input_tokens: 1_000, output_tokens: 0 },
});

/** Does the task at once; on a review it works for ten minutes, and spends 1,200 dollars. */
const AGENT = `#!/bin/sh
prompt="$(cat)"
case "$prompt" in
  *"answer a review"*)
    echo better >> api.txt
    for at in $(seq 2000); do
      echo '${message('AT', 200_000)}' | sed "s/AT/m$at/"
      sleep 0.3
    done;;
  *) echo api > api.txt; echo '${message('m', 1_000)}'; echo '${RESULT}';;
esac
`;

test(
  'a round of review ends when it has spent what one may cost, and nothing of it is pushed',
  { timeout: 600_000 },
  async () => {
    await using world = await makeAppWorld(
      {
        units: { api: { provider: 'claude', tasks: [{ gate: 'grep -qx api api.t?t' }] } },
        config: 'limits:\n  review_cost: 2\n  run_cost: 90\n',
      },
      { environment: { CHOO_ALLOWED_PROVIDERS: 'claude,rehearsal', CHOO_SANDBOX: 'host' } },
    );
    const place = join(world.dataDirectory, '../agents');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'claude'), AGENT, { mode: 0o755 });
    await world.start({ PATH: `${place}:${process.env['PATH'] ?? ''}`, ANTHROPIC_API_KEY: 'sk-test' });
    const alice = world.github.as('alice');
    const commit = await world.push('alice', 'main', { 'specs/tasks/api/note.md': 'Mind.' });
    await planned(world, commit);
    const issue = await alice.createIssue(REPO, { title: 'Build it' });
    await alice.comment(REPO, issue, '/choo run');
    await ended(world, 1);
    const [pull] = (await quiet(world)).pulls;
    const { number, head } = pull ?? { number: 0, head: undefined };

    await alice.review(REPO, number, {
      event: 'REQUEST_CHANGES',
      body: 'Better.',
      comments: [{ path: 'api.txt', line: 1, body: 'Write it better.' }],
    });
    const state = await world.until(
      'the answer',
      ({ reviews }) => reviews.some(({ user, state: kind }) => user === 'choo[bot]' && kind === 'COMMENTED'),
      240_000,
    );
    const own = state.reviews.find(({ user }) => user === 'choo[bot]');
    expect(own?.body).toMatch(/^Nothing was pushed/);
    expect(own?.body).toContain('has spent what it may');
    expect(state.threads).toMatchObject([{ resolvedBy: null, comments: [{ user: 'alice' }] }]);
    await quiet(world);
    const [round] = await world.server.rows(`select run, outcome from review_rounds`);
    expect(round).toMatchObject({ outcome: 'failed' });
    const [spent] = await world.server.rows(
      `select sum(used_cost)::float8 as cost, sum(reserved_cost)::float8 as reserved
     from spending where run = '${String(round?.['run'])}'`,
    );
    expect(spent?.['cost']).toBeGreaterThanOrEqual(2);
    expect(spent?.['cost']).toBeLessThan(1_000);
    expect(spent?.['reserved']).toBe(0);
    const attempts = await world.server.rows(
      `select from events where run = '${String(round?.['run'])}' and body ->> 'type' = 'task.provider.invoke'`,
    );
    expect(attempts).toHaveLength(1);
    expect(await world.git('rev-parse', `refs/heads/${head?.ref}`)).toBe(head?.sha);
  },
);
