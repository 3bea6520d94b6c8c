import { readFile, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { PROVIDER_NAMES, type ProviderName } from '../../config/schema.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { exists } from '../../system/files.ts';
import { runTool } from '../../system/run-program.ts';
import { findMissingProviders } from '../../worker/agent/agents.ts';
import { failed, type Finding, ok, skipped, warning } from './finding.ts';

/** The oldest git that has all that choo calls. */
const OLDEST_GIT = [2, 38] as const;

/** Looks for git on a search path. */
export async function checkGit(searchPath: string): Promise<readonly Finding[]> {
  const cure = `install git ${OLDEST_GIT.join('.')} or newer, and see that it is on the PATH`;
  const tool = { argv: ['git', '--version'], cwd: '/', env: { PATH: searchPath }, limitMs: 10_000 } as const;
  const { exitCode, output } = await runTool(tool);
  const [, major = '', minor = ''] = /^git version (\d+)\.(\d+)/.exec(output) ?? [];
  if (exitCode !== 0 || major === '') return [failed('git', 'git is not on the PATH', cure)];
  const found = [Number(major), Number(minor)] as const;
  const isOld = found[0] < OLDEST_GIT[0] || (found[0] === OLDEST_GIT[0] && found[1] < OLDEST_GIT[1]);
  const words = output.trim().slice(0, 60);
  return [isOld ? failed('git', `${words} is too old`, cure) : ok('git', words)];
}

/** Tries the sandbox. `open` throws with the reason and a hint where it does not work. */
export async function checkSandbox(open: () => Promise<Pick<Sandbox, 'kind'>>): Promise<readonly Finding[]> {
  const { kind } = await open();
  if (kind === 'bubblewrap') return [ok('sandbox', 'bubblewrap works: its self-test passed')];
  return [
    warning(
      'sandbox',
      'agents and gates run without a sandbox, with all permissions of choo',
      'install bubblewrap, and unset CHOO_SANDBOX',
    ),
  ];
}

/** Looks for cgroups, version 2, by which a kernel limits memory and processes. `root`: where they are mounted. */
export async function checkCgroups(root = '/sys/fs/cgroup'): Promise<readonly Finding[]> {
  const controllers = await readFile(`${root}/cgroup.controllers`, 'utf8').catch(() => '');
  const missing = ['memory', 'pids'].filter((name) => !controllers.split(/\s/).includes(name));
  if (missing.length === 0) return [ok('cgroups', 'version 2, with memory and pids')];
  const what = controllers === '' ? 'there is no version 2' : `they lack ${missing.join(' and ')}`;
  return [
    warning(
      'cgroups',
      `${what}: nothing but choo's own watchdog, once a second, limits memory and processes of a command`,
      'boot with cgroups version 2 (`systemd.unified_cgroup_hierarchy=1`), or mount them in the container',
    ),
  ];
}

/**
 * Looks for the agents' programs and keys. A provider that is `wanted` must work; of the others one must, besides `rehearsal`,
 * which writes no code.
 */
export function checkAgents(searchPath: string, wanted: readonly ProviderName[]): readonly Finding[] {
  const missing = findMissingProviders(searchPath);
  const findings = PROVIDER_NAMES.map((name): Finding => {
    const trouble = missing.get(name);
    if (trouble === undefined) return ok(`agent ${name}`, 'its program and a key are here');
    return wanted.includes(name)
      ? failed(`agent ${name}`, trouble.message, trouble.hint)
      : skipped(`agent ${name}`, `${trouble.message}: ${trouble.hint}`);
  });
  const usable = PROVIDER_NAMES.filter((name) => name !== 'rehearsal' && !missing.has(name));
  if (usable.length > 0 || wanted.length > 0) return findings;
  const none = failed('agents', 'no agent can run here', 'install one of those above and set its key');
  return [...findings, none];
}

const GIB = 1024 ** 3;
/** Below this much more than what is needed, a disk is soon full. */
const SOON_FULL = 5;

/** Measures the free space where worktrees are. A server starts no unit below `neededGiB`. */
export async function checkDisk(dataDirectory: string, neededGiB: number): Promise<readonly Finding[]> {
  const place = await nearestExisting(resolve(dataDirectory));
  const { bavail, bsize } = await statfs(place);
  const free = (bavail * bsize) / GIB;
  const words = `${free.toFixed(1)} GiB are free for ${dataDirectory}`;
  const cure = `remove what is not needed there, or set CHOO_DATA_DIR to a larger disk; \`choo cleanup\` removes what choo kept of local runs`;
  if (free < neededGiB) return [failed('disk', `${words}; a server starts no unit below ${neededGiB}`, cure)];
  return [free < neededGiB + SOON_FULL ? warning('disk', words, cure) : ok('disk', words)];
}

async function nearestExisting(path: string): Promise<string> {
  let at = path;
  while (!(await exists(at)) && dirname(at) !== at) at = dirname(at);
  return at;
}
