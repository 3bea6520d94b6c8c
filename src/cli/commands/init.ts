import { Command } from 'commander';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { DEFAULT_CONFIG } from '../../config/schema.ts';
import { usualSetUps } from '../../config/set-up/usual-set-ups.ts';
import { renderConfigTemplate } from '../../config/template.ts';
import { DirectoryTree } from '../../discovery/tree.ts';
import { ChooError } from '../../errors.ts';
import { openGit } from '../../git/git.ts';
import { readProject } from '../../plan/project.ts';
import type { CommandContext } from '../context.ts';

const UNIT = 'first-unit';

const PLAN = `---
unit: ${UNIT}
depends_on: []
---

# Say hello

One small unit to see how choo works. Copy this directory, or write your own beside it.
`;

const TASK = `---
task: 1
status: pending
backpressure: test "$(cat hello.txt)" = "hello from choo"
depends_on: []
---

# Write a greeting

## Objective

Create \`hello.txt\` in the project directory.

## Requirements

- Its only line is \`hello from choo\`.

## How it is judged

choo runs the command in \`backpressure\` itself. The task counts when that command exits with 0.

## Rehearsal

The provider \`rehearsal\` carries out this block instead of asking an agent.

\`\`\`sh rehearsal
echo "hello from choo" > hello.txt
\`\`\`
`;

/** `choo init`: a commented configuration and one unit to start from. */
export function initCommand({ terminal, settings, cwd, programName, finish }: CommandContext): Command {
  return new Command('init')
    .summary('write a commented .choo.yml and a first unit')
    .description('Writes .choo.yml and one small unit that passes `choo check`. Existing files are kept.')
    .argument('[path]', 'the project directory, created if missing (default: the current one)')
    .action(async (path: string | undefined) => {
      const directory = resolve(cwd, path ?? '.');
      const where = path === undefined ? '' : ` ${path}`;
      const { configuration, discovery } = await readProject(new DirectoryTree(directory));
      const specs = configuration.config?.specs_dir ?? DEFAULT_CONFIG.specs_dir;
      const blocked = discovery.problems.kept.find(
        ({ code, file }) => file === specs && code.startsWith('tree-') && code !== 'tree-missing',
      );
      if (blocked !== undefined)
        throw new ChooError(
          'conflict',
          `cannot write specs to \`${specs}\`: ${blocked.message}`,
          blocked.hint === undefined ? {} : { hint: blocked.hint },
        );
      const files = new Map<string, string>();
      const kept: string[] = [];
      if (configuration.file === undefined) {
        const setUps = usualSetUps((file) => readIfThere(join(directory, file)));
        files.set('.choo.yml', renderConfigTemplate(setUps));
      } else kept.push(configuration.file);
      if (discovery.units.length + discovery.broken.length === 0) {
        files.set(`${specs}/${UNIT}/IMPLEMENTATION_PLAN.md`, PLAN);
        files.set(`${specs}/${UNIT}/01-write-a-greeting.md`, TASK);
      } else {
        kept.push(specs);
      }
      for (const [file, content] of files) {
        const written = writeNew(join(directory, file), content);
        if (written) terminal.out(`wrote ${relative(cwd, join(directory, file))}\n`);
        else kept.push(file);
      }
      for (const file of kept) terminal.out(`kept  ${relative(cwd, join(directory, file))}\n`);
      terminal.notice(`Next: \`${programName} check${where}\`, then \`${programName} plan${where}\`.\n`);
      const isCommitted = await openGit(directory, settings().PATH)
        .run('rev-parse', '--verify', 'HEAD')
        .then(
          () => true,
          () => false,
        );
      if (!isCommitted) terminal.notice(commitHint(where));
      finish(0);
    });
}

/** A run needs a commit: how to make the first one, also where there is no repository yet. */
function commitHint(where: string): string {
  const inside = where === '' ? 'git' : `git -C${where}`;
  const lines = ['init', 'add -A', 'commit -m "Add the first specs"'].map((rest) => `  ${inside} ${rest}\n`);
  return `A run works on a commit, and there is none yet:\n${lines.join('')}`;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Writes a file only if there is none, and says whether it did. Throws a ChooError (`conflict`) where it cannot stand. */
function writeNew(path: string, content: string): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST' && existsSync(path)) return false;
    throw new ChooError('conflict', `cannot write \`${path}\` (${code ?? String(cause)})`, {
      hint: 'another file is in the way, or the directory is not writable',
      cause,
    });
  }
}
