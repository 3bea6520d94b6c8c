import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

type Files = Readonly<Record<string, string>>;

/** A module of Go as a proxy has it, below `directory`. Returns its lines of `go.sum`. */
export async function writeGoModule(directory: string, name: string, files: Files): Promise<string> {
  const at = join(directory, name, '@v');
  await mkdir(at, { recursive: true });
  const all: Files = { 'go.mod': `module ${name}\n\ngo 1.19\n`, ...files };
  await writeFile(join(at, 'list'), 'v1.0.0\n');
  await writeFile(join(at, 'v1.0.0.info'), '{"Version":"v1.0.0","Time":"2026-01-01T00:00:00Z"}');
  await writeFile(join(at, 'v1.0.0.mod'), all['go.mod'] ?? '');
  const inside = Object.fromEntries(
    Object.entries(all).map(([path, text]) => [`${name}@v1.0.0/${path}`, text]),
  );
  await writeZip(join(at, 'v1.0.0.zip'), inside);
  const sum = `${name} v1.0.0 ${hashOfFiles(inside)}`;
  return `${sum}\n${name} v1.0.0/go.mod ${hashOfFiles({ 'go.mod': all['go.mod'] ?? '' })}\n`;
}

/** `h1:`, as Go writes it: a hash of a list of hashes. */
function hashOfFiles(files: Files): string {
  const lines = Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, text]) => `${createHash('sha256').update(text).digest('hex')}  ${path}\n`);
  return `h1:${createHash('sha256').update(lines.join('')).digest('base64')}`;
}

/** A pure package of Python. */
export async function writeWheel(directory: string, name: string, code: string): Promise<void> {
  const info = `${name}-1.0.0.dist-info`;
  const metadata = `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0.0\n`;
  await mkdir(directory, { recursive: true });
  await writeZip(join(directory, `${name}-1.0.0-py3-none-any.whl`), {
    [`${name}.py`]: code,
    [`${info}/METADATA`]: metadata,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/RECORD`]: '',
  });
}

/** A registry of Rust with one crate, its index a git repository below `directory`. Returns the checksum of the crate. */
export async function writeCrate(
  directory: string,
  url: string,
  { name, code }: { readonly name: string; readonly code: string },
): Promise<string> {
  const [index, crates] = [join(directory, 'index'), join(directory, 'crates')];
  const source = join(directory, `${name}-1.0.0`);
  await write(source, {
    'Cargo.toml': `[package]\nname = "${name}"\nversion = "1.0.0"\nedition = "2021"\n`,
    'src/lib.rs': code,
  });
  await mkdir(crates);
  const crate = join(crates, `${name}-1.0.0.crate`);
  await execa('tar', ['--create', '--gzip', `--file=${crate}`, `${name}-1.0.0`], { cwd: directory });
  const cksum = createHash('sha256')
    .update(await readFile(crate))
    .digest('hex');
  const line = JSON.stringify({ name, vers: '1.0.0', deps: [], cksum, features: {}, yanked: false });
  await write(index, {
    'config.json': JSON.stringify({ dl: `${url}/crates/{crate}-{version}.crate` }),
    [`${name.slice(0, 2)}/${name.slice(2, 4)}/${name}`]: `${line}\n`,
  });
  const git = async (...words: readonly string[]): Promise<unknown> => execa('git', words, { cwd: index });
  await git('init', '--quiet', '--initial-branch=master');
  await git('add', '--all');
  await git('-c', 'user.name=test', '-c', 'user.email=test@localhost', 'commit', '--quiet', '-m', 'index');
  await git('update-server-info');
  return cksum;
}

async function write(directory: string, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

async function writeZip(path: string, files: Files): Promise<void> {
  const directory = await mkdtemp(`${path}-`);
  await write(directory, files);
  // Without entries for directories, which Go refuses.
  const script =
    'import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], "w") as z:\n  for n in sys.argv[2:]: z.write(n)';
  await execa('python3', ['-c', script, path, ...Object.keys(files)], { cwd: directory });
  await rm(directory, { recursive: true });
}
