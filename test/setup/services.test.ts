import { describe, expect, test } from 'vitest';
import { makeProject, WHO } from './project.ts';

describe.each(WHO)('services, as %s', (who) => {
  test('PostgreSQL and Redis stand beside each gate, new each time', async () => {
    const postgres = `PATH=$(ls -d /usr/lib/postgresql/*/bin):$PATH`;
    const files = {
      // A data directory of its own, in what is thrown away after the gate.
      'postgres.sh': `set -e\n${postgres}\ninitdb --auth=trust --pgdata=/tmp/db >/dev/null\nexec postgres -D /tmp/db -k /tmp -c listen_addresses=127.0.0.1\n`,
      'ready.sh': `${postgres}\npg_isready --host=127.0.0.1\n`,
      'gate.sh': `set -e\ntest -e done
psql --host=127.0.0.1 postgres -c 'create table once (id int)' -c 'insert into once values (1)'
test "$(psql --host=127.0.0.1 postgres --tuples-only --no-align -c 'select count(*) from once')" = 1
test "$(redis-cli incr once)" = 1
! timeout 5 bash -c 'exec 3<>/dev/tcp/1.1.1.1/53' 2>/dev/null\n`,
    };
    const config = `limits: { attempts: 1 }
services:
  - { command: sh postgres.sh, ready: sh ready.sh }
  - { command: 'redis-server --save "" --dir /tmp', ready: redis-cli ping }
`;
    const units = { one: { tasks: [{ gate: 'sh gate.sh', sh: 'touch done' }] } };
    await using project = await makeProject(who, { units, files, config });
    const outcome = await project.run();
    expect(outcome.exitCode, outcome.text).toBe(0);
  });
});
