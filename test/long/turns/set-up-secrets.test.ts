import { basename, dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HAS_TOKEN, leaks, ok, project, runWithSecret, steal } from '../../helpers/secret-project.ts';
import { SANDBOXES } from '../../helpers/sandboxes.ts';
import { makeServerProject } from '../../helpers/server-project.ts';
import { ended } from '../../helpers/server-waits.ts';
import { makeProject } from '../../helpers/spec-project.ts';

const LONG = { timeout: 240_000 };

test(
  'a credential for set-up is found by no script that an agent wrote, where nothing is kept',
  LONG,
  async () => {
    await expect(steal('host')).resolves.toBeUndefined();
  },
);

describe.each(SANDBOXES)('a credential for set-up, in %s', (sandbox) => {
  test('is missed by a set-up that an agent changed, which a person is told', LONG, async () => {
    const changed = JSON.stringify({ name: 'x', version: '2.0.0', scripts: { postinstall: 'sh base.sh' } });
    await using made = await makeProject(
      project({ unit: ok('made', `echo '${changed}' > package.json`) }, `${HAS_TOKEN}\n`),
    );
    const outcome = await runWithSecret(made, sandbox);
    expect(outcome.exitCode).toBe(1);
    const failed = outcome.events.find(({ type }) => type === 'unit.failed');
    expect(failed).toMatchObject({
      failure: 'needs-human',
      hint: expect.stringMatching(
        /^set-up ran without NPM_TOKEN: one of its `inputs`, or a file that it names, differs from commit [0-9a-f]{12}, and a secret reaches only what no agent wrote$/,
      ),
    });
    expect(await leaks(made)).toBe('');
  });
});

describe.runIf(SANDBOXES.includes('bubblewrap'))('a set-up that leaves its credential', () => {
  test('in its home gives agents and gates an empty one, and is not kept', LONG, async () => {
    const leave = `${HAS_TOKEN}; echo tool > ~/tool; printf 'user:%s' "$NPM_TOKEN" | base64 > ~/.npmrc\n`;
    await using made = await makeProject(
      project({ one: ok('one', 'ls -A ~ > seen'), two: ok('two', 'true') }, leave),
    );
    const outcome = await runWithSecret(made, 'bubblewrap');
    expect(outcome.exitCode, outcome.stderr + outcome.stdout.slice(-4_000)).toBe(0);
    const notices = outcome.events.filter(({ code }) => code === 'setup-secret');
    expect(notices.length).toBe(4); // two units, and verify of both
    expect(notices[0]?.['message']).toContain('`~/.npmrc`');
    expect(outcome.events.filter(({ type }) => type === 'setup.reused')).toEqual([]);
    expect(await made.git('show', 'choo/unit/main/one:seen')).not.toContain('tool');
    expect(await leaks(made)).toBe('');
  });

  test('in the project ends the unit, and keeps nothing', LONG, async () => {
    await using made = await makeProject(
      project(
        { unit: ok('made', 'true') },
        `${HAS_TOKEN}; mkdir -p deps/deep; echo "key=$NPM_TOKEN;" > deps/deep/config\n`,
      ),
    );
    const outcome = await runWithSecret(made, 'bubblewrap');
    expect(outcome.exitCode).toBe(1);
    expect(outcome.events.find(({ type }) => type === 'unit.failed')).toMatchObject({
      failure: 'needs-human',
      message: 'set-up left a secret of CHOO_SETUP_SECRETS in `deps/deep/config`',
    });
    expect(await leaks(made)).toBe('');
  });
});

describe('a credential on a server', () => {
  test('reaches the set-up of those repositories alone that it is listed for', LONG, async () => {
    const look = 'mkdir -p deps; echo "${NPM_TOKEN:+ours}/${GEM_TOKEN:-none}" > deps/seen';
    await using served = await makeServerProject(
      {
        ...project(
          { unit: { tasks: [{ gate: 'grep -qx ours/none deps/seen && test -e made', sh: 'touch made' }] } },
          look,
        ),
      },
      { CHOO_SANDBOX: SANDBOXES[0] ?? 'host' },
    );
    const owner = basename(dirname(served.remote));
    await served.serve({
      environment: {
        CHOO_SETUP_SECRETS: `NPM_TOKEN@${owner}/remote,GEM_TOKEN@somebody-else`,
        NPM_TOKEN: 'the-token-of-this-owner',
        GEM_TOKEN: 'the-token-of-another-one',
      },
    });
    expect(await ended(served, await served.submit())).toBe('complete');
  });

  test('is refused where nobody is named whose repositories may use it', LONG, async () => {
    await using served = await makeServerProject(project({ unit: ok('made', 'true') }, 'true\n'));
    const environment = { CHOO_SETUP_SECRETS: 'NPM_TOKEN', NPM_TOKEN: 'the-token-of-somebody' };
    await expect(served.serve({ environment })).rejects.toThrow(/names NPM_TOKEN for nobody/);
  });
});
