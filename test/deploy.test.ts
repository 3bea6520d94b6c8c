import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const root = new URL('..', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      { readonly privileged?: boolean; readonly cap_add?: unknown; readonly security_opt?: readonly string[] }
    >
  >;
}

interface Seccomp {
  readonly defaultAction: string;
  readonly syscalls: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly includes?: unknown;
  }[];
}

describe('the containers', () => {
  const { services } = parse(read('compose.yaml')) as Compose;
  const options = services['choo']?.security_opt ?? [];

  test('are never privileged, and get no capability', () => {
    for (const { privileged, cap_add } of Object.values(services))
      expect([privileged, cap_add]).toEqual([undefined, undefined]);
  });

  test('open what bubblewrap needs, each with its reason in the docs', () => {
    expect(options.length).toBeGreaterThan(0);
    for (const option of options) expect(read('docs/deploy.md')).toContain(`| \`${option}\` |`);
  });

  test('refuse the system calls that nothing here needs', () => {
    const profile = options.find((option) => option.startsWith('seccomp='))?.slice('seccomp='.length) ?? '';
    const { defaultAction, syscalls } = JSON.parse(read(profile)) as Seccomp;
    expect(defaultAction).toBe('SCMP_ACT_ERRNO');
    const allowed = new Set(
      syscalls.flatMap(({ names, action, includes }) =>
        action === 'SCMP_ACT_ALLOW' && includes === undefined ? names : [],
      ),
    );
    const needed = ['clone', 'unshare', 'mount', 'umount2', 'pivot_root', 'seccomp', 'prctl'];
    expect(needed.filter((name) => !allowed.has(name))).toEqual([]);
    const refused = ['ptrace', 'keyctl', 'add_key', 'request_key', 'bpf', 'perf_event_open', 'userfaultfd'];
    const more = [
      'io_uring_setup',
      'process_vm_readv',
      'process_vm_writev',
      'kexec_load',
      'init_module',
      'reboot',
    ];
    expect([...refused, ...more].filter((name) => allowed.has(name))).toEqual([]);
  });
});

describe('the image', () => {
  const dockerfile = read('Dockerfile');

  test('runs as a user without rights, and has a health check', () => {
    expect(dockerfile).toMatch(/^USER choo$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK /m);
  });

  test('is made of files that are there, and let through', () => {
    const letIn = read('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    expect(letIn.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
    const copied = Array.from(dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm), ([, paths = '']) =>
      paths.split(' '),
    );
    expect(copied.flat().filter((path) => path !== '.' && !letIn.includes(path))).toEqual([]);
  });
});
