import { execa } from 'execa';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { classify, type Outcome } from '../../src/provider/outcome/outcome.ts';
import type { AgentEvent, Provider, TokenCount } from '../../src/provider/provider.ts';
import type { Ending } from '../../src/sandbox/sandbox.ts';
import { commitFiles, git } from '../helpers/git-repository.ts';
import { type ModelScript, type Step } from '../helpers/model-server/script.ts';
import { type LoggedRequest, startModelServer } from '../helpers/model-server/server.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

/** Where `script/agents` installs the real CLIs. */
export const AGENTS = process.env['CHOO_AGENTS_DIR'] ?? new URL('../../.agents', import.meta.url).pathname;

/** What came of a real CLI that talked to a scripted model. */
export interface AgentRun {
  readonly outcome: Outcome;
  readonly exitCode: number | undefined;
  readonly events: readonly AgentEvent[];
  /** The last count of the stream. */
  readonly spent: { readonly tokens: TokenCount; readonly costUsd: number | null } | undefined;
  readonly requests: readonly LoggedRequest[];
  /** What it made and changed, by path. */
  readonly changes: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly durationMs: number;
}

export interface AgentWorld {
  readonly steps: readonly Step[];
  readonly usage?: ModelScript['usage'];
  /** The key the server wants; the CLI has `right`. */
  readonly wantedKey?: string;
  readonly args?: readonly string[];
  readonly model?: string;
  readonly totalMs?: number;
}

/** Runs the real CLI of a provider on one assignment, as choo would but without a sandbox. */
export async function runAgent(provider: Provider, world: AgentWorld): Promise<AgentRun> {
  const { steps, usage, wantedKey, args, model, totalMs = 60_000 } = world;
  await using root = await temporaryDirectory();
  const [cwd, stateDirectory] = [join(root.path, 'work'), join(root.path, 'state')];
  await Promise.all([cwd, stateDirectory].map((path) => mkdir(path)));
  await commitFiles(cwd, { 'README.md': '# A project\n' });
  await using server = await startModelServer({
    rules: [{ match: /Write hello\.txt/, steps }],
    ...(usage === undefined ? {} : { usage }),
    ...(wantedKey === undefined ? {} : { key: wantedKey }),
  });
  const variables = {
    ANTHROPIC_API_KEY: 'right',
    ANTHROPIC_BASE_URL: server.url,
    OPENAI_API_KEY: 'right',
    OPENAI_BASE_URL: `${server.url}/v1`,
  };
  const invocation = provider.invocation({
    prompt: 'Write hello.txt.',
    task: { title: 'Say hello', file: NO_FILE },
    model,
    args,
    command: join(AGENTS, 'node_modules', '.bin', provider.executable),
    cwd,
    stateDirectory,
    variables,
    sandboxed: true,
  });
  for (const [path, content] of Object.entries(invocation.files)) {
    await mkdir(dirname(join(stateDirectory, path)), { recursive: true });
    await writeFile(join(stateDirectory, path), content);
  }
  const parse = provider.createParser();
  const events: AgentEvent[] = [];
  const child = execa(invocation.executable, invocation.args, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: stateDirectory, ...invocation.env },
    extendEnv: false,
    input: invocation.stdin ?? '',
    all: true,
    reject: false,
    timeout: totalMs,
    killSignal: 'SIGKILL',
  });
  for await (const line of child) events.push(...parse(line));
  const result = await child;
  const ending = endingOf(result, totalMs);
  return {
    outcome: classify(
      provider,
      { ending, tail: result.all.slice(-16_384), durationMs: result.durationMs },
      events,
    ),
    exitCode: result.exitCode,
    events,
    spent: events.findLast((event) => event.type === 'usage'),
    requests: server.log,
    changes: await readChanges(cwd),
    directory: cwd,
    durationMs: result.durationMs,
  };
}

async function readChanges(cwd: string): Promise<Record<string, string>> {
  const paths = (await git(cwd, 'ls-files', '--modified', '--others'))
    .split('\n')
    .filter((path) => path !== '');
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(cwd, path), 'utf8')] as const)),
  );
}

/** Only the rehearsal reads the task's file. */
const NO_FILE = {
  path: 'specs/tasks/hello/01-hello.md',
  content: new Uint8Array(),
  frontMatter: { fields: new Map(), start: 0, end: 0, bodyStart: 0, braces: false },
};

interface Ended {
  readonly timedOut: boolean;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly message?: string | undefined;
}

function endingOf(result: Ended, limitMs: number): Ending {
  if (result.timedOut) return { kind: 'timed-out', limitMs };
  if (result.exitCode !== undefined) return { kind: 'exited', exitCode: result.exitCode };
  if (result.signal !== undefined) return { kind: 'killed', signal: result.signal };
  return { kind: 'not-started', reason: result.message ?? 'it did not start; run script/agents' };
}
