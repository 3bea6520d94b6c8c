import { describe, expect, test } from 'vitest';
import { findControlGroups } from '../../../src/sandbox/process/control-groups.ts';
import type { ExecResult } from '../../../src/sandbox/sandbox.ts';
import { numberOf } from '../../fixtures/sandbox/kernel-attacks.ts';
import { whyNoBubblewrap } from '../../fixtures/sandbox/missing.ts';
import { describeAsEachUser } from '../../helpers/each-user.ts';

const MIB = 1024 * 1024;
const LIMIT = 200 * MIB;
const missing = whyNoBubblewrap();

/** What every attack does with a handle of a file in memory: writes 600 MB into it, and says when it could. */
const FILL = `my $part = "x" x 1e6; for (1..600) { syswrite($file, $part) or last; select(undef, undef, undef, 0.004) }`;
const WAIT = `sleep 20; print "kept\\n";`;
const FILE = `my $name = "x"; my $number = syscall(${numberOf('memfd_create')}, $name, 0); open(my $file, "+<&=", $number);`;

/** Memory that is in no process's own pages, in perl. */
const HIDDEN: Readonly<Record<string, string>> = {
  'a file without a directory': `${FILE} ${FILL} ${WAIT}`,
  'a file without a directory, held by a child': `${FILE} if (!fork()) { ${FILL} ${WAIT} exit } close $file; wait;`,
  'one that is mapped and closed': `${FILE} truncate($file, 600_000_000);
    syscall(${numberOf('mmap')}, 0, 600_000_000, 3, 1, $number, 0); ${FILL} close $file; ${WAIT}`,
};

/** Memory that only the kernel sees. */
const UNSEEN: Readonly<Record<string, string>> = {
  'segments of System V': `my @all = map { shmget(0, 60_000_000, 0600) // () } 1..10; exit if !@all;
    for my $id (@all) { shmwrite($id, "x" x 60_000_000, 0, 60_000_000) } ${WAIT}`,
  'many small segments of System V': `my @all = map { shmget(0, 1_000_000, 0600) // () } 1..600; exit if !@all;
    for my $id (@all) { shmwrite($id, "x" x 1_000_000, 0, 1_000_000) } ${WAIT}`,
};

/** What a control group counts, and nobody else can. */
const ON_ITS_WAY: Readonly<Record<string, string>> = {
  'a file on its way through a socket': `use Socket; use IO::Socket::UNIX; ${FILE} ${FILL}
    socketpair(my $one, my $other, AF_UNIX, SOCK_STREAM, 0);
    my $control = pack("QiiiI", 20, 1, 1, $number, 0); my $byte = "x"; my $iov = pack("pQ", $byte, 1);
    my $message = pack("QIIpQpQiI", 0, 0, 0, $iov, 1, $control, 24, 0, 0);
    print "sent\\n" if syscall(${numberOf('sendmsg')}, fileno($one), $message, 0) == 1; close $file; ${WAIT}`,
  'files in /tmp': `open(my $file, ">", "/tmp/large"); ${FILL} close $file; ${WAIT}`,
};

describeAsEachUser('the memory of a command', missing, (place) => {
  const groups = place.who === 'root' ? findControlGroups() : undefined;

  async function perl(script: string): Promise<ExecResult> {
    const sandbox = place.actor.sandbox('bubblewrap', { limits: { memoryBytes: LIMIT, checkMs: 50 } });
    await sandbox.chownToSandboxUser(place.world.worktree);
    const argv = ['perl', '-e', script] as const;
    return await sandbox.exec(place.world.workplace, {
      profile: 'gate',
      argv,
      cwd: place.world.worktree,
      totalMs: 60_000,
    });
  }

  const over = { kind: 'over-limit', what: 'memory', limitBytes: LIMIT };

  test.each(Object.entries(HIDDEN))('is limited in %s', async (_, script) => {
    const { ending, tail } = await perl(script);
    expect(ending, tail).toEqual(over);
  });

  test.each(Object.entries(UNSEEN))('is not hidden in %s', async (_, script) => {
    const { ending, tail } = await perl(script);
    // Where the kernel limits no memory, large segments are refused.
    expect(ending, tail).toEqual(groups === undefined ? { kind: 'exited', exitCode: 0 } : over);
    expect(tail).not.toContain('kept');
  });

  test('leaves the small segment that a database needs', async () => {
    const { tail } = await perl('my $id = shmget(0, 56, 0600); print defined $id ? "made\\n" : "refused\\n"');
    expect(tail).toBe('made\n');
  });

  describe.skipIf(groups === undefined)(
    `in a control group${groups === undefined ? ': SKIPPED, this user may make none here' : ''}`,
    () => {
      test.each(Object.entries(ON_ITS_WAY))('is limited in %s', async (_, script) => {
        const { ending, tail } = await perl(script);
        expect(ending, tail).toEqual(over);
      });

      test('is limited where only a child needs it, and its parent goes on', async () => {
        const { ending } = await perl(
          'if (!fork()) { my $all = "x" x 600_000_000; exit } wait; print "on\\n"; sleep 5',
        );
        expect(ending).toEqual(over);
      });
    },
  );
});
