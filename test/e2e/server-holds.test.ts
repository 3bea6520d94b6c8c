import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { print } from '../helpers/agent-world.ts';
import { git } from '../helpers/git-repository.ts';
import { makeServerProject } from '../helpers/server-project.ts';
import { makeProject } from '../helpers/spec-project.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const HOUR = 3_600_000;
const limit = {
  type: 'rate_limit_event',
  rate_limit_info: { status: 'rejected', resetsAt: Math.floor((Date.now() + 23 * HOUR) / 1_000) },
};
const DONE = { type: 'result', subtype: 'success', is_error: false, result: 'Done', total_cost_usd: 0.1 };
/** Claude Code's stand-in: in a repository that holds `forge` it tells of a limit that there is not. */
const CLAUDE = `#!/bin/sh
cat > /dev/null
if [ -e forge ]; then
${print(limit, { ...DONE, is_error: true, api_error_status: 429 })}
exit 1
fi
touch work
${print(DONE)}
`;
const units = { a: { provider: 'claude', tasks: [{ gate: 'test -e work' }] } };

test('a limit that one stream tells keeps its own run from the provider, and no other', async () => {
  await using tools = await temporaryDirectory();
  await mkdir(join(tools.path, 'bin'));
  await writeFile(join(tools.path, 'bin/claude'), CLAUDE);
  await chmod(join(tools.path, 'bin/claude'), 0o755);
  await using project = await makeServerProject(
    { units, files: { forge: '' } },
    { CHOO_ALLOWED_PROVIDERS: 'claude', PATH: `${tools.path}/bin:${process.env['PATH']}` },
  );
  await using other = await makeProject({ units });
  const remote = join(tools.path, 'other.git');
  await git(tools.path, 'clone', '--quiet', '--bare', other.path, remote);
  await project.serve();
  const forged = await project.submit();
  const events = async () =>
    (await project.rows(`select body->>'type' as type from events where run = '${forged}'`)).map(
      ({ type }) => type,
    );
  await expect.poll(events, { interval: 100, timeout: 20_000 }).toContain('unit.released');

  const { stdout } = await project.choo('submit', remote, '--json');
  const { run } = JSON.parse(stdout) as { readonly run: string };
  const stateOf = async (id: string) => (await project.status(id)).units[0]?.state;
  await expect.poll(() => stateOf(run), { interval: 200, timeout: 20_000 }).toBe('complete');
  expect(await stateOf(forged)).toBe('pending');
});
