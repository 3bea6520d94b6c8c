import { describe, expect, test } from 'vitest';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startNpmRegistry } from '../../bench/npm-registry.ts';
import { commitFiles, git, writeFiles } from '../helpers/git-repository.ts';
import type { ProjectSpec } from '../helpers/spec-project.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { serveFiles } from './file-server.ts';
import { writeCrate, writeGoModule, writeWheel } from './packages.ts';
import { makeProject, WHO } from './project.ts';

/** Set-up fetches once; the gate and verify work without a network; the next run asks the registry for nothing. */
const FETCHED_ONCE = [
  { exitCode: 0, ran: 1, reused: 1, asked: true },
  { exitCode: 0, ran: 0, reused: 2, asked: false },
];

/** Nothing is to be reached from a gate. */
const NO_NETWORK = (url: string): string =>
  `! timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/${new URL(url).port}" 2>/dev/null`;

function projectOf(
  { gate, setup, inputs }: { readonly gate: string; readonly setup: string; readonly inputs: string },
  files: Readonly<Record<string, string>>,
): ProjectSpec {
  return {
    units: { one: { tasks: [{ gate: JSON.stringify(`test -e done && sh gate.sh`), sh: 'touch done' }] } },
    files: { ...files, 'gate.sh': `set -e\n${gate}\n`, 'setup.sh': `set -e\n${setup}\n` },
    config: `limits: { attempts: 1 }\nworktree:\n  setup:\n    - command: sh setup.sh\n      inputs: [${inputs}]\n`,
  };
}

describe.each(WHO)('as %s', (who) => {
  /** What a run and a second one say, and how often each asked the registry. */
  async function runTwice(spec: ProjectSpec, requests: () => number) {
    await using project = await makeProject(who, spec);
    const tell = async (...args: readonly string[]) => {
      const before = requests();
      const { exitCode, text, ran, reused } = await project.run(...args);
      const asked = requests() > before;
      return { exitCode, ran, reused, asked, ...(exitCode === 0 ? {} : { text }) };
    };
    return [await tell(), await tell('--fresh')];
  }

  test('npm', async () => {
    await using place = await temporaryDirectory();
    await using registry = await startNpmRegistry(place.path);
    const url = /registry=(\S+)/.exec(registry.files['.npmrc'] ?? '')?.[1] ?? '';
    const gate = `node -e 'require("zod"); require("commander")'\n${NO_NETWORK(url)}`;
    const spec = projectOf(
      { gate, setup: 'npm ci', inputs: 'package.json, package-lock.json, .npmrc' },
      { ...registry.files, '.gitignore': 'node_modules/\n' },
    );
    expect(await runTwice(spec, registry.requests)).toEqual(FETCHED_ONCE);
  });

  test('Python with a virtual environment', async () => {
    await using place = await temporaryDirectory();
    await writeWheel(join(place.path, 'simple/greeting'), 'greeting', 'def hello():\n    return "hello"\n');
    await using server = await serveFiles(place.path);
    const setup = `python3 -m venv .venv\n.venv/bin/pip install --index-url ${server.url}/simple -r requirements.txt`;
    // What is in the environment begins with its path.
    const gate = `.venv/bin/python -c 'import greeting; assert greeting.hello() == "hello"'
.venv/bin/pip --version
${NO_NETWORK(server.url)}`;
    const files = { 'requirements.txt': 'greeting==1.0.0\n', '.gitignore': '.venv/\n' };
    expect(
      await runTwice(projectOf({ gate, setup, inputs: 'requirements.txt' }, files), server.requests),
    ).toEqual(FETCHED_ONCE);
  });

  test('Go', async () => {
    await using place = await temporaryDirectory();
    const code = 'package greeting\n\nfunc Hello() string { return "hello" }\n';
    const sum = await writeGoModule(place.path, 'example.com/greeting', { 'greeting.go': code });
    await using server = await serveFiles(place.path);
    const setup = `GOPROXY=${server.url} GOSUMDB=off GOFLAGS=-mod=readonly go mod download`;
    const gate = `test "$(GOFLAGS=-mod=readonly GOPROXY=off go run .)" = hello\n${NO_NETWORK(server.url)}`;
    const main =
      'package main\n\nimport "example.com/greeting"\n\nfunc main() { println2(greeting.Hello()) }\n';
    const files = {
      'go.mod': 'module example.com/fixture\n\ngo 1.19\n\nrequire example.com/greeting v1.0.0\n',
      'go.sum': sum,
      'main.go': main,
      'print.go': 'package main\n\nimport "fmt"\n\nfunc println2(text string) { fmt.Println(text) }\n',
    };
    expect(
      await runTwice(projectOf({ gate, setup, inputs: 'go.mod, go.sum' }, files), server.requests),
    ).toEqual(FETCHED_ONCE);
  });

  test('Rust', async () => {
    await using place = await temporaryDirectory();
    await using server = await serveFiles(place.path);
    const code = 'pub fn hello() -> &\'static str { "hello" }\n';
    const checksum = await writeCrate(place.path, server.url, { name: 'greeting', code });
    const setup = 'CARGO_NET_GIT_FETCH_WITH_CLI=true cargo fetch --locked';
    const gate = `test "$(cargo run --quiet --offline --locked)" = hello\n${NO_NETWORK(server.url)}`;
    const files = {
      'Cargo.toml':
        '[package]\nname = "fixture"\nversion = "1.0.0"\nedition = "2021"\n\n[dependencies]\ngreeting = "1.0.0"\n',
      'Cargo.lock': `version = 3\n\n[[package]]\nname = "fixture"\nversion = "1.0.0"\ndependencies = [\n "greeting",\n]\n\n[[package]]\nname = "greeting"\nversion = "1.0.0"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "${checksum}"\n`,
      '.cargo/config.toml': `[source.crates-io]\nreplace-with = "here"\n\n[source.here]\nregistry = "${server.url}/index/.git"\n`,
      'src/main.rs': 'fn main() { println!("{}", greeting::hello()); }\n',
      '.gitignore': 'target/\n',
    };
    const inputs = 'Cargo.toml, Cargo.lock, .cargo/config.toml, src/main.rs';
    expect(await runTwice(projectOf({ gate, setup, inputs }, files), server.requests)).toEqual(FETCHED_ONCE);
  });

  test('a submodule and files of Git LFS, as git-lfs itself stores them', async () => {
    const gate = 'grep -qx 42 vendor/lib/answer.txt\ngrep -qx weights model.bin\ngrep -qx weights built';
    const files = {
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
      '.gitignore': 'built\n',
    };
    const spec = projectOf({ gate, setup: 'cat model.bin >built', inputs: 'model.bin' }, files);
    const config = `${spec.config}checkout: { submodules: true, lfs: true }\n`;
    await using project = await makeProject(who, { ...spec, config }, async (path) => {
      const [lib, remote] = [join(path, '../lib'), join(path, '../remote.git')];
      await mkdir(lib);
      const commit = await commitFiles(lib, { 'answer.txt': '42\n' });
      await git(path, 'init', '--quiet', '--bare', '--initial-branch=main', remote);
      await git(path, 'remote', 'add', 'origin', remote);
      await git(path, 'lfs', 'install', '--local');
      const modules = '[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../lib\n';
      await writeFiles(path, { 'model.bin': 'weights\n', '.gitmodules': modules });
      await git(path, 'add', 'model.bin', '.gitmodules');
      await git(path, 'update-index', '--add', '--cacheinfo', `160000,${commit},vendor/lib`);
      await git(path, 'commit', '--quiet', '--message=more');
      await git(path, 'push', '--quiet', 'origin', 'main');
      await rm(join(path, '.git/lfs'), { recursive: true });
    });
    for (const [args, ran, reused] of [[[], 1, 1] as const, [['--fresh'], 0, 2] as const]) {
      const told = await project.run(...args);
      expect({ ...told, text: told.exitCode === 0 ? '' : told.text }).toEqual({
        exitCode: 0,
        ran,
        reused,
        text: '',
      });
    }
    const branch = 'choo/unit/main/one';
    expect(
      await git(project.path, '-c', 'safe.directory=*', 'diff', '--name-only', 'main', branch),
    ).not.toContain('model');
  });
});
