import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findControlGroups } from '../../../../src/sandbox/process/control-groups.ts';
import { writeFiles } from '../../../helpers/git-repository.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

/** A made-up machine with version 2, on which this process is in a group. */
async function machine(own: string, files: Readonly<Record<string, string>>) {
  const place = await temporaryDirectory();
  await writeFiles(place.path, {
    'proc/self/cgroup': `0::${own}\n`,
    'proc/self/mountinfo': '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n',
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`sys/fs/cgroup/${name}`, text])),
  });
  return {
    groups: findControlGroups(place.path),
    text: async (name: string) => readFile(join(place.path, 'sys/fs/cgroup', name), 'utf8'),
    [Symbol.asyncDispose]: place[Symbol.asyncDispose],
  };
}

const SERVICE = 'system.slice/choo.service';
const LIMITS = { memoryBytes: 1_000_000, processes: 99 };

describe('control groups of version 2', () => {
  test.each([
    ['a service that was handed to choo', `/${SERVICE}`, { [`${SERVICE}/cgroup.procs`]: '' }],
    [
      'a service whose processes are in a group of their own',
      `/${SERVICE}/main`,
      { [`${SERVICE}/cgroup.procs`]: '', [`${SERVICE}/main/cgroup.procs`]: '12\n' },
    ],
  ])('are made in %s', async (_, own, files) => {
    await using made = await machine(own, files);
    const group = made.groups?.make(LIMITS);
    const [directory = ''] = group?.words.filter((word) => word.includes(SERVICE)) ?? [];
    const name = directory.slice(directory.indexOf(SERVICE));
    expect(await made.text(`${SERVICE}/cgroup.subtree_control`)).toBe('+memory +pids');
    expect(await made.text(`${name}/memory.max`)).toBe('1000000');
    expect(await made.text(`${name}/pids.max`)).toBe('99');
    expect(group?.isOverMemory()).toBe(false);
    const events = 'low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 1\n';
    await writeFiles(directory, { 'memory.events': events });
    expect(group?.isOverMemory()).toBe(true);
  });

  test.each([
    [
      'the session of a person',
      '/user.slice/user-1.slice/a.scope',
      { 'user.slice/user-1.slice/b.scope/x': '' },
    ],
    ['the only group of a container', '/', {}],
    [
      'a group among processes',
      '/some/own',
      { 'some/cgroup.procs': '12\n', 'some/own/cgroup.procs': '13\n' },
    ],
  ])('are not made in %s', async (_, own, files) => {
    await using made = await machine(own, { 'cgroup.procs': '', ...files });
    expect(made.groups).toBeUndefined();
  });
});

describe('control groups of this machine', () => {
  const groups = findControlGroups();
  test.skipIf(groups === undefined)(
    `are gone with their command${groups === undefined ? ': SKIPPED, this user may make none here' : ''}`,
    async () => {
      const group = groups?.make(LIMITS);
      const made = group?.words.filter((word) => word.startsWith('/')) ?? [];
      expect(made.length).toBeGreaterThan(0);
      for (const directory of made) expect(readdirSync(directory)).toContain('cgroup.procs');
      await group?.[Symbol.asyncDispose]();
      for (const directory of made) expect(() => readdirSync(directory)).toThrow('ENOENT');
    },
  );
});
