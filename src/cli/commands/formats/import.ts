import { Command, Option } from 'commander';
import { isOfFormat } from '../../../config/spec-sources.ts';
import { type Config, DEFAULT_CONFIG } from '../../../config/schema.ts';
import { discoverFormat, type FormatSource } from '../../../discovery/formats/discover-format.ts';
import { findFormats } from '../../../discovery/formats/find-formats.ts';
import { FORMATS, type FormatName } from '../../../discovery/formats/formats.ts';
import { decideImport, type ImportAction } from '../../../discovery/import/decide-import.ts';
import { filesOf, MAX_TASKS, type WantedFile } from '../../../discovery/import/imported-files.ts';
import { blobId } from '../../../discovery/import/marker.ts';
import { DirectoryTree, findEntry, type SpecTree } from '../../../discovery/tree.ts';
import { ChooError } from '../../../errors.ts';
import { readConfiguration } from '../../../plan/project.ts';
import { renderProblem } from '../../../plan/text.ts';
import { FILE_START, type Problem } from '../../../problems/problem.ts';
import { count, printable } from '../../../text/terminal-layout.ts';
import type { CommandContext } from '../../context.ts';
import { applyActions, openImport, readPresent } from '../../sources/imported.ts';
import { findProjectDirectory, seenFrom } from '../../sources/workspace.ts';
import type { Terminal } from '../../terminal.ts';

interface Options {
  readonly from: FormatName | 'auto';
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly mine?: boolean;
}

/** `choo import`: task lists of other tools as choo's own specs. */
export function importCommand({ terminal, settings, cwd, finish }: CommandContext): Command {
  return new Command('import')
    .summary('copy task lists of OpenSpec, spec-kit or Kiro into specs of your own')
    .description(
      'Writes the units that choo reads from task lists of other tools as specs of its own, without a model. Again after a change it takes over what changed, and keeps what you changed; where both changed the same, it says so and leaves your file. To run the lists as they are instead, name them in `specs` of .choo.yml.',
    )
    .argument('[path]', 'the project directory (default: the current one, or the nearest parent with specs)')
    .addOption(
      new Option('--from <tool>', 'which lists: those of a tool, or all that are there')
        .choices(['auto', ...Object.keys(FORMATS)])
        .default('auto'),
    )
    .option('--dry-run', 'show what would be done and write nothing')
    .option('--mine', 'in a conflict keep your text, and count the change of the source as seen')
    .option('--json', 'print what is done as JSON')
    .addHelpText('after', HELP)
    .action(async (path: string | undefined, options: Options) => {
      const directory = findProjectDirectory(path, cwd);
      const tree = new DirectoryTree(directory);
      const config = (await readConfiguration(tree)).config ?? DEFAULT_CONFIG;
      const sources = await findSources(tree, config, options.from);
      const { wanted, problems } = await readSources(tree, sources, config);
      const present = await readPresent(tree, config.specs_dir);
      const rules = openImport(
        { directory, tree, searchPath: settings().PATH },
        async (old) => (await readSources(old, sources, config)).wanted,
      );
      const ours = new Set(sources.map(rootOf));
      const mine = present.filter(
        ({ marked }) =>
          marked === undefined || [...ours].some((root) => marked.marker.from.startsWith(`${root}/`)),
      );
      const actions = await decideImport(wanted, mine, { ...rules, keepsMine: options.mine === true });
      if (options.dryRun !== true) applyActions(actions, directory, config.specs_dir);
      const conflicts = actions.filter(({ kind }) => kind === 'conflict').length;
      const errors = problems.filter(({ severity }) => severity === 'error');
      if (options.json === true)
        terminal.json({
          version: 1,
          specsDir: config.specs_dir,
          dryRun: options.dryRun === true,
          actions: actions.map((action) => ({ ...action, content: undefined })),
          problems,
        });
      else {
        for (const problem of errors.map(seenFrom(cwd, directory)))
          terminal.notice(`${renderProblem(problem, terminal)}\n`);
        terminal.out(renderActions(actions, config.specs_dir, terminal));
        if (config.specs.some(isOfFormat))
          terminal.notice(
            'Remove the lists from `specs` in `.choo.yml`: otherwise each unit is there twice.\n',
          );
      }
      finish(conflicts + errors.length > 0 ? 1 : 0);
    });
}

const HELP = `
Exit status: 0 everything is imported, 1 a conflict is left or a unit cannot be imported, 2 wrong usage.

Examples:
  choo import --dry-run          what would be written
  choo import --from openspec    the changes of OpenSpec
  choo import --mine             after a conflict: your text stays`;

/** Those that the configuration names, or else those that are where their tools keep them. */
async function findSources(
  tree: SpecTree,
  { specs }: Pick<Config, 'specs'>,
  from: Options['from'],
): Promise<readonly FormatSource[]> {
  const named = specs.filter(isOfFormat).filter((each) => from === 'auto' || each.from === from);
  if (named.length > 0) return named;
  const found = from === 'auto' ? await findFormats(tree) : [from];
  if (found.length === 0)
    throw new ChooError('usage', 'there are no task lists of OpenSpec, spec-kit or Kiro here', {
      hint: 'name the project directory, or where the lists are in `specs` of `.choo.yml`',
    });
  return found.map((name) => ({ from: name }));
}

function rootOf({ from, path }: FormatSource): string {
  return path ?? FORMATS[from].standardPath;
}

async function readSources(
  tree: SpecTree,
  sources: readonly FormatSource[],
  { default_gate: defaultGate }: Pick<Config, 'default_gate'>,
): Promise<{ readonly wanted: readonly WantedFile[]; readonly problems: readonly Problem[] }> {
  const wanted: WantedFile[] = [];
  const problems: Problem[] = [];
  const taken = new Set<string>();
  const blobs = new Map<string, string>();
  for (const source of sources) {
    const found = await discoverFormat(tree, source, { defaultGate, taken });
    problems.push(...found.problems);
    for (const unit of found.units) {
      const { path } = unit.plan;
      taken.add(unit.id.toLowerCase());
      if (unit.tasks.length > MAX_TASKS) {
        const message = `the unit \`${unit.id}\` has more than ${MAX_TASKS} tasks, which choo's own format cannot number`;
        const hint = 'split it, or run the list as it is';
        problems.push({
          severity: 'error',
          code: 'format-too-large',
          message,
          file: path,
          ...FILE_START,
          hint,
        });
        continue;
      }
      blobs.set(path, blobs.get(path) ?? (await blobOf(tree, path)));
      wanted.push(...filesOf(unit, blobs.get(path) ?? ''));
    }
    for (const { id } of found.broken) taken.add(id.toLowerCase());
  }
  return { wanted, problems };
}

async function blobOf(tree: SpecTree, path: string): Promise<string> {
  const entry = await findEntry(tree, path);
  const [content] = entry === undefined ? [] : await tree.read([entry]);
  return blobId(content ?? new Uint8Array());
}

const WORDS: Readonly<Record<ImportAction['kind'], string>> = {
  create: 'new     ',
  update: 'updated ',
  merge: 'merged  ',
  keep: 'kept    ',
  delete: 'deleted ',
  conflict: 'conflict',
};

/** Unit by unit, the line of the list and the file that it became. */
function renderActions(actions: readonly ImportAction[], specsDir: string, { paint }: Terminal): string {
  const lines: string[] = [];
  let last: string | undefined;
  for (const { kind, path, movesFrom, line, from, why } of actions) {
    const unit = path.slice(0, path.indexOf('/'));
    if (unit !== last) lines.push(paint('bold', `${specsDir}/${unit}`));
    last = unit;
    const file = path.slice(unit.length + 1);
    const moved = movesFrom === undefined ? '' : `, was ${movesFrom}`;
    const reason = why === undefined ? '' : `: ${why}`;
    const place = printable(`${from}${line === undefined ? '' : `:${line}`}`);
    const word = kind === 'conflict' ? paint('red', WORDS[kind]) : WORDS[kind];
    lines.push(`  ${word}  ${printable(file)}  ${paint('dim', `from ${place}${moved}`)}${reason}`);
  }
  const kinds = [...new Set(actions.map(({ kind }) => kind))];
  const counts = kinds.map(
    (kind) => `${actions.filter((each) => each.kind === kind).length} ${WORDS[kind].trim()}`,
  );
  const summary = `${count(actions.length, 'file')}: ${counts.join(', ')}`;
  const conflicts = kinds.includes('conflict')
    ? 'Your files stayed as they are. Take over by hand what you want of the source, then `choo import --mine`.\n'
    : '';
  return `${[...lines, ...(actions.length === 0 ? [] : ['']), summary].join('\n')}\n${conflicts}`;
}
