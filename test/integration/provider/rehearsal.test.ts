import { execa } from 'execa';
import { mkdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProvider } from '../../../src/provider/by-name.ts';
import { commitFiles, git, writeFiles } from '../../helpers/git-repository.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';
import { taskFile } from '../../unit/provider/task-file.ts';

/** Carries out a block with the real bash and the real git, in a directory. */
async function rehearse(cwd: string, info: 'sh' | 'diff', block: string, args: readonly string[] = []) {
  const { executable, env, stdin, ...invocation } = createProvider('rehearsal').invocation({
    prompt: '',
    task: { title: 'A task', file: taskFile(`\`\`\`\`${info} rehearsal\n${block}\n\`\`\`\`\n`) },
    args,
    cwd,
    stateDirectory: '/nowhere',
    variables: {},
    sandboxed: false,
  });
  const { exitCode, all } = await execa(executable, invocation.args, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    extendEnv: false,
    input: stdin ?? '',
    all: true,
    reject: false,
  });
  return { exitCode, output: all };
}

const read = (...path: readonly string[]) => readFile(join(...path), 'utf8');

/** Changes `greeting.txt`, makes `deep/new.txt` and removes `old.txt`. */
const DIFF = `diff --git a/greeting.txt b/greeting.txt
--- a/greeting.txt
+++ b/greeting.txt
@@ -1,2 +1,2 @@
-hello
+hello world
 end
diff --git a/deep/new.txt b/deep/new.txt
new file mode 100755
--- /dev/null
+++ b/deep/new.txt
@@ -0,0 +1 @@
+\`\`\` trailing blank 
diff --git a/old.txt b/old.txt
deleted file mode 100644
--- a/old.txt
+++ /dev/null
@@ -1 +0,0 @@
-old`;
const BEFORE = { 'greeting.txt': 'hello\nend\n', 'old.txt': 'old\n' };

/** The places a worker may stand in: each makes one below `root`, with the files in it. */
const PLACES: Readonly<Record<string, (root: string) => Promise<string>>> = {
  'the root of a repository': async (root) => {
    await commitFiles(root, BEFORE);
    return root;
  },
  'a folder of a repository': async (root) => {
    await commitFiles(root, { 'README.md': '# Root\n', ...prefixed('packages/one', BEFORE) });
    return join(root, 'packages/one');
  },
  'a folder that the repository ignores': async (root) => {
    await commitFiles(root, { '.gitignore': 'out/\n' });
    await writeFiles(root, prefixed('out', BEFORE));
    return join(root, 'out');
  },
  'a worktree': async (root) => {
    await commitFiles(join(await made(root, 'main')), BEFORE);
    await git(join(root, 'main'), 'worktree', 'add', '--quiet', join(root, 'tree'));
    return join(root, 'tree');
  },
  'a folder of a worktree': async (root) => {
    await commitFiles(join(await made(root, 'main')), prefixed('sub', BEFORE));
    await git(join(root, 'main'), 'worktree', 'add', '--quiet', join(root, 'tree'));
    return join(root, 'tree/sub');
  },
  'no repository': async (root) => {
    await writeFiles(root, BEFORE);
    return root;
  },
  'a folder with a strange name': async (root) => {
    await commitFiles(root, prefixed("it's a: [b]*?", BEFORE));
    return join(root, "it's a: [b]*?");
  },
};

function prefixed(folder: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));
}

async function made(root: string, name: string): Promise<string> {
  await mkdir(join(root, name));
  return join(root, name);
}

describe('a rehearsal by diff', () => {
  test.each(Object.keys(PLACES))('applies in %s', async (name) => {
    await using root = await temporaryDirectory();
    const place = (await PLACES[name]?.(root.path)) ?? '';
    expect(await rehearse(place, 'diff', DIFF)).toEqual({ exitCode: 0, output: '' });
    expect(await read(place, 'greeting.txt')).toBe('hello world\nend\n');
    expect(await read(place, 'deep/new.txt')).toBe('``` trailing blank \n');
    await expect(read(place, 'old.txt')).rejects.toThrow('ENOENT');
  });

  test.each(Object.keys(PLACES))('fails in %s when it does not fit, and changes nothing', async (name) => {
    await using root = await temporaryDirectory();
    const place = (await PLACES[name]?.(root.path)) ?? '';
    await writeFiles(place, { 'old.txt': 'something else\n' });
    const { exitCode, output } = await rehearse(place, 'diff', DIFF);
    expect(exitCode).not.toBe(0);
    expect(output).toContain('old.txt');
    expect(await read(place, 'greeting.txt')).toBe('hello\nend\n');
  });

  test.each([
    ['is none', 'not a diff'],
    ['is empty', ''],
    ['leaves the directory', '--- /dev/null\n+++ b/../escaped.txt\n@@ -0,0 +1 @@\n+x'],
    [
      'names an absolute path',
      '--- /dev/null\n+++ /tmp/choo-escaped.txt\n@@ -0,0 +1 @@\n+x\n--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b',
    ],
    ['was applied before', '--- a/greeting.txt\n+++ b/greeting.txt\n@@ -1,2 +1,2 @@\n-hallo\n+hello\n end'],
  ])('fails when the diff %s', async (_, diff) => {
    await using root = await temporaryDirectory();
    const place = (await PLACES['a folder of a repository']?.(root.path)) ?? '';
    expect((await rehearse(place, 'diff', diff)).exitCode).not.toBe(0);
    expect(await git(root.path, 'status', '--short')).toBe('');
  });
});

describe('a rehearsal by sh', () => {
  test('runs in the directory it is given', async () => {
    await using root = await temporaryDirectory();
    const { exitCode, output } = await rehearse(
      root.path,
      'sh',
      'pwd\necho hello > hello.txt\nprintf "%s\\n" é',
    );
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: `${await realpath(root.path)}\né` });
    expect(await read(root.path, 'hello.txt')).toBe('hello\n');
  });

  test.each([
    ['a command fails', 'false\ntouch after', 1],
    ['a variable is not set', 'echo "$missing"\ntouch after', 1],
    ['it says so', 'exit 7\ntouch after', 7],
    ['its last command fails', 'true\ntest -e after', 1],
    ['a pipe inside a subshell says so', '(exit 3)\ntouch after', 3],
    ['its syntax is wrong', 'touch after\nif true', 2],
    ['it does not end', 'touch after\necho "', 2],
  ])('stops when %s', async (_, block, status) => {
    await using root = await temporaryDirectory();
    expect((await rehearse(root.path, 'sh', block)).exitCode).toBe(status);
    await expect(read(root.path, 'after')).rejects.toThrow('ENOENT');
  });

  test('gets the arguments of the configuration', async () => {
    await using root = await temporaryDirectory();
    expect((await rehearse(root.path, 'sh', 'echo "$1"', ['-x one'])).output).toBe('-x one');
  });

  test.each([
    ['nothing at all', ''],
    ['a comment', '# nothing'],
    ['a backslash at its end', 'true \\'],
  ])('does nothing for %s', async (_, block) => {
    await using root = await temporaryDirectory();
    expect(await rehearse(root.path, 'sh', block)).toEqual({ exitCode: 0, output: '' });
  });

  test('is not eaten by a command that reads its standard input', async () => {
    await using root = await temporaryDirectory();
    const { exitCode, output } = await rehearse(root.path, 'sh', 'cat > eaten.txt\necho after');
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: 'after' });
  });
});
