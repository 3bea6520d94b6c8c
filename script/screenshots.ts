/**
 * Takes the pictures of the dashboard for the documentation, from a run of a small project without an agent. Needs Chromium
 * (`apt-get install chromium`) and writes into docs/images. `node script/screenshots.ts`
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { openJournalDashboard } from '../src/cli/dashboard/journal-dashboard.ts';
import { findRepository } from '../src/git/repository.ts';
import { openDashboard } from '../src/web/dashboard/dashboard.ts';
import { loopbackHosts } from '../src/web/dashboard/defence.ts';
import { serveWeb } from '../src/web/server.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const IMAGES = join(ROOT, 'docs/images');

/** Units by id: what each depends on, its gate, and what is done for it. */
const UNITS: Readonly<Record<string, readonly [dependsOn: string, gate: string, work: string]>> = {
  model: ['', 'test -f model.txt', 'sleep 2; echo "reads the schema"; touch model.txt'],
  storage: ['model', 'test -f storage.txt', 'sleep 3; touch storage.txt'],
  api: ['model', 'test -f api.txt', 'sleep 2; touch api.txt'],
  search: ['storage', 'test -f search.txt', 'sleep 1; touch search.txt'],
  pages: ['api, storage', 'test -f pages.txt', 'sleep 3; touch pages.txt'],
  billing: ['api', RED_GATE(), 'echo "rounds to cents"; sleep 1; touch billing.txt'],
  invoices: ['billing', 'test -f invoices.txt', 'touch invoices.txt'],
};

function RED_GATE(): string {
  const red = String.raw`printf '\033[31mFAIL\033[0m test/billing.test.ts > rounds half a cent up\n  expected 0.13 to be 0.12\n'; test -f never.txt`;
  return JSON.stringify(red);
}

const place = await mkdtemp(join(tmpdir(), 'choo-pictures-'));
try {
  const project = join(place, 'shop');
  await makeProject(project);
  const environment = { ...process.env, CHOO_DATA_DIR: join(place, 'data') };
  spawnSync(process.execPath, [join(ROOT, 'src/cli/cli.ts'), 'run', '--sandbox', 'host'], {
    cwd: project,
    env: environment,
  });
  await takePictures(project);
} finally {
  await rm(place, { recursive: true, force: true, maxRetries: 5 });
}

async function makeProject(project: string): Promise<void> {
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(project, path)), { recursive: true });
    await writeFile(join(project, path), text);
  };
  await write('.choo.yml', 'provider:\n  type: rehearsal\n');
  for (const [unit, [dependsOn, gate, work]] of Object.entries(UNITS)) {
    const plan = `---\nunit: ${unit}\ndepends_on: [${dependsOn}]\n---\n# The ${unit} of the shop\n`;
    await write(`specs/tasks/${unit}/IMPLEMENTATION_PLAN.md`, plan);
    const block = `\`\`\`sh rehearsal\n${work}\n\`\`\`\n`;
    const task = `---\ntask: 1\nstatus: pending\nbackpressure: ${gate}\n---\n# Build the ${unit}\n\n${block}`;
    await write(`specs/tasks/${unit}/01-build.md`, task);
  }
  const git = (...args: readonly string[]): void =>
    void execFileSync('git', [
      '-C',
      project,
      '-c',
      'user.name=You',
      '-c',
      'user.email=you@example.com',
      ...args,
    ]);
  git('init', '--quiet', '-b', 'main');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Describe the shop');
}

async function takePictures(project: string): Promise<void> {
  const searchPath = process.env['PATH'] ?? '';
  const source = openJournalDashboard({
    name: 'shop',
    place: await findRepository(project, searchPath),
    searchPath,
    change: async () => {},
  });
  let hosts: ReadonlySet<string> = new Set();
  const base = '/t/pictures';
  using dashboard = openDashboard({
    base,
    source,
    hosts: () => hosts,
    onError: (error) => console.error(error),
  });
  await using server = await serveWeb(
    { host: '127.0.0.1', port: 0 },
    { readiness: async () => ({ ready: true }), receiver: undefined, pages: [dashboard] },
  );
  hosts = loopbackHosts(server.port);
  const [run = ''] = await source.store.runs();
  const shoot = async (
    name: string,
    path: string,
    size: string,
    ...more: readonly string[]
  ): Promise<void> => {
    const url = `http://127.0.0.1:${server.port}${base}/${path}`;
    await shootPage(url, join(IMAGES, `${name}.png`), [`--window-size=${size}`, ...more]);
  };
  await shoot('dashboard-needs', '', '1000,430');
  await shoot('dashboard-run', `runs/${run}`, '1000,800');
  await shoot(
    'dashboard-unit',
    `runs/${run}/units/billing`,
    '1000,860',
    '--blink-settings=preferredColorScheme=0',
  );
}

/** Chromium ends by itself, once the page is there; the stream of a page does not keep it. */
async function shootPage(url: string, file: string, flags: readonly string[]): Promise<void> {
  const { execa } = await import('execa');
  const arguments_ = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--timeout=3000'];
  await execa('chromium', [...arguments_, ...flags, `--screenshot=${file}`, url], { timeout: 60_000 });
}
