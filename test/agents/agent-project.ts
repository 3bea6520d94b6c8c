import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { allowCommand } from '../helpers/allow-command.ts';
import type { Rule } from '../helpers/model-server/script.ts';
import { type ModelServer, startModelServer } from '../helpers/model-server/server.ts';
import { liveProcesses } from '../helpers/live-processes.ts';
import { CHOO, NODE_COMPILE_CACHE } from '../helpers/run-choo.ts';
import { makeProject, type SpecProject, type UnitSpec } from '../helpers/spec-project.ts';
import { AGENTS } from './run-agent.ts';

export type AgentName = 'claude' | 'codex';

/** What the CLIs sign in with. */
export const KEY = `sk-test-${randomBytes(24).toString('base64url')}`;

/** A project whose units a real CLI carries out, which asks a scripted model. */
export interface AgentProject extends SpecProject {
  readonly server: ModelServer;
  /** Where this project's own copy of the CLI is: no other process has this path in its command line. */
  readonly agents: string;
  /** `choo run --json` in the background. */
  start(...args: string[]): ReturnType<typeof startRun>;
}

export interface AgentProjectSpec {
  readonly agent: AgentName;
  readonly units: Readonly<Record<string, UnitSpec>>;
  /** Read anew for each request, so that a test can make the model say something else. */
  readonly rules: readonly Rule[];
  readonly sandbox?: 'bubblewrap' | 'host';
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** YAML of `limits`. */
  readonly limits?: string;
}

const MODELS: Readonly<Record<AgentName, string>> = { claude: 'sonnet', codex: 'gpt-5.2' };

/** Makes one. The CLI stands below a directory that is closed to everybody but this user. */
export async function makeAgentProject(spec: AgentProjectSpec): Promise<AgentProject> {
  const { agent, units, rules, sandbox = 'bubblewrap', files = {}, args = [], limits = '{}' } = spec;
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startModelServer({ rules }));
  const config = `${providerConfig(agent, args)}limits: ${limits}\n`;
  const project = stack.use(await makeProject({ units, files: { '.choo.yml': config, ...files } }));
  const place = join(project.dataDirectory, '..');
  const { agents, variables } = await prepareAgents(place, server.url);
  const environment = { ...project.environment, HOME: '/nonexistent', NODE_COMPILE_CACHE, ...variables };
  if (args.length > 0)
    await allowCommand(project.dataDirectory, agent, { args: [...args] }, variables['PATH']);
  const started: ReturnType<typeof startRun>[] = [];
  stack.defer(() => started.forEach((run) => run.kill('SIGKILL')));
  const kept = stack.move();
  return {
    ...project,
    server,
    agents,
    start: (...more) => {
      const run = startRun(project.path, ['--sandbox', sandbox, ...more], environment);
      started.push(run);
      return run;
    },
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

/** Lines of `.choo.yml` that choose an agent. */
export function providerConfig(agent: AgentName, args: readonly string[] = []): string {
  const settings = JSON.stringify({ model: MODELS[agent], ...(args.length === 0 ? {} : { args }) });
  return `provider:\n  type: ${agent}\n  providers: { ${agent}: ${settings} }\n`;
}

/** The CLIs below a directory that is closed to everybody but this user, and the variables that have choo find and use them. */
export async function prepareAgents(
  place: string,
  model: string,
): Promise<{ readonly agents: string; readonly variables: Readonly<Record<string, string>> }> {
  const [agents, temporary] = [join(place, 'agents'), join(place, 'tmp')];
  await Promise.all([agents, temporary].map((path) => mkdir(path)));
  await copyAgents(agents);
  await chmod(agents, 0o700);
  return {
    agents,
    variables: {
      PATH: [join(agents, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter),
      TMPDIR: temporary, // codex refuses to work when its own directory is below the temporary one
      ANTHROPIC_API_KEY: KEY,
      ANTHROPIC_BASE_URL: model,
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: `${model}/v1`,
    },
  };
}

/** As links to the same files where that can be: they have 600 MB. */
async function copyAgents(to: string): Promise<void> {
  const from = join(AGENTS, 'node_modules');
  const linked = await execa('cp', ['-al', from, to], { reject: false });
  if (linked.exitCode !== 0) await execa('cp', ['-a', from, to]);
}

function startRun(cwd: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const [node, cli] = CHOO;
  return execa(node, [cli, 'run', '--json', ...args], {
    cwd,
    env,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
  });
}

export type JsonEvent = Readonly<Record<string, unknown>>;

/** What `choo run --json` printed. */
export function eventsOf(stdout: string): readonly JsonEvent[] {
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as JsonEvent]));
}

/** Fits the prompts of one task, or of one attempt at it. */
export function asked(unit: string, { task = 1, attempt }: { task?: number; attempt?: number } = {}): RegExp {
  const which = attempt === undefined ? '' : `[^]*?- Attempt: ${attempt} of`;
  return new RegExp(`- Unit: \`${unit}\`[^]*?- Task: ${task} of${which}`);
}

/** Until what a run has printed so far fits; fails when the run ends before. */
export async function untilEvents(
  run: ReturnType<typeof startRun>,
  fit: (events: readonly JsonEvent[]) => boolean,
): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    run.stdout.setEncoding('utf8');
    run.stdout.on('data', (chunk: string) => {
      text += chunk;
      if (fit(eventsOf(text.slice(0, text.lastIndexOf('\n') + 1)))) resolve();
    });
    run.stdout.once('close', () => reject(new Error(`the run ended:\n${text}`)));
  });
}

/**
 * What holds the key in any form: of what choo printed, what git can reach in the user's repository and in choo's, and
 * every file of theirs, the journal and the logs among them.
 */
export async function keyHolders(project: AgentProject, printed: string): Promise<readonly string[]> {
  const forms = [KEY, Buffer.from(KEY).toString('base64').slice(0, -4)];
  const holding: string[] = [];
  const look = (name: string, text: Uint8Array | string): void => {
    if (forms.some((form) => Buffer.from(text).includes(form))) holding.push(name);
  };
  look('what choo printed', printed);
  const homes = join(project.dataDirectory, 'repositories');
  const repositories = [
    project.path,
    ...(await readdir(homes)).map((home) => join(homes, home, 'cache.git')),
  ];
  for (const cwd of repositories) {
    const { stdout } = await execa({ cwd })`git rev-list --objects --no-object-names --all`.pipe({
      cwd,
      encoding: 'buffer',
    })`git cat-file --batch`;
    if (cwd === project.path) expect(stdout.byteLength).toBeGreaterThan(0);
    look(`the objects of ${cwd}`, stdout);
  }
  let files = 0;
  for (const place of [join(project.path, '.git'), project.dataDirectory]) {
    for (const entry of await readdir(place, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile()) continue;
      files += 1;
      const path = join(entry.parentPath, entry.name);
      look(path, path);
      look(path, await readFile(path));
    }
  }
  expect(files).toBeGreaterThan(0);
  return holding;
}

/** Command lines of this machine that hold a text. */
async function processesWith(text: string): Promise<readonly string[]> {
  const pattern = new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return (await liveProcesses(pattern)).filter((line) => !line.startsWith('cp '));
}

/** The processes that hold one of the texts five seconds from now, or none as soon as there are none. */
export async function processesLeft(...texts: readonly string[]): Promise<readonly string[]> {
  const started = performance.now();
  for (;;) {
    const left = (await Promise.all(texts.map(processesWith))).flat();
    if (left.length === 0 || performance.now() - started > 5_000) return left;
    await sleep(50);
  }
}

/** Until there is such a process. */
export async function untilProcess(text: string): Promise<void> {
  await expect.poll(async () => (await processesWith(text)).length, { timeout: 60_000 }).toBeGreaterThan(0);
}
