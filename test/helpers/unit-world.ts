import { DEFAULT_CONFIG } from '../../src/config/schema.ts';
import type { UnitRecord } from '../../src/events/store.ts';
import { unitBranch } from '../../src/git/branches.ts';
import { commitText } from '../../src/git/objects/commit.ts';
import { replaceFiles, treeOf, type TreeFile } from '../../src/git/objects/tree-object.ts';
import type { UnitStartInput } from '../../src/orchestrator/unit-start-input.ts';
import { findStart } from '../../src/orchestrator/unit-start.ts';
import { readProject } from '../../src/plan/project.ts';
import { applyEdit, statusEdits } from '../../src/worker/spec-status.ts';
import { gitWorld } from './git-repository.ts';
import { memoryTree, planText, taskText } from './memory-tree.ts';

export const RUN = 'run0000001';
export const BRANCH = unitBranch({ target: 'main', directory: '' }, 'api');
export const SPECS = 'specs/tasks/api';
/** A task's file, as it was approved. */
export const task = (number: number): string =>
  taskText(
    { task: String(number), backpressure: `sh check.sh ${number}` },
    `# Step ${number}\n\nAs it was approved.\n`,
  );
const FILES = {
  'check.sh': 'test -e "$1"\n',
  [`${SPECS}/IMPLEMENTATION_PLAN.md`]: planText(),
  ...Object.fromEntries([1, 2, 3].map((number) => [`${SPECS}/0${number}-step.md`, task(number)])),
};

/** A file's text; where a link leads; the text of a program. */
type Content = string | { readonly link: string } | { readonly program: string };

/** A commit on top of the one before. */
export interface CommitSpec {
  readonly files?: Readonly<Record<string, Content>>;
  /** What it says of itself; undefined: a person made it. */
  readonly trailers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A second parent: the approved commit. */
  readonly merge?: true;
}

/** A repository in which a unit's first task was done, pushed and recorded. */
export async function openUnitWorld() {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await gitWorld(FILES));
  const { repository } = world;
  const [unit] = (await readProject(memoryTree(FILES))).discovery.units;
  if (unit === undefined) throw new Error('there is no unit');

  const fileOf = async (content: Content): Promise<TreeFile> => {
    const [mode, text] =
      typeof content === 'string'
        ? ['100644', content]
        : 'link' in content
          ? ['120000', content.link]
          : ['100755', content.program];
    return { mode, id: await repository.writer.blob(Buffer.from(text)) };
  };
  const make = async (parent: string, specs: readonly CommitSpec[]): Promise<string> => {
    let head = parent;
    for (const { files = {}, trailers, body, merge } of specs) {
      const changes = new Map<string, TreeFile>();
      for (const [path, content] of Object.entries(files)) changes.set(path, await fileOf(content));
      const before = await treeOf(repository.reader, head);
      const tree = changes.size === 0 ? before : await replaceFiles(repository, before, changes);
      const parents = merge === true ? [head, world.head] : [head];
      head = await repository.writer.commit(
        commitText({
          tree,
          parents,
          subject: 'Step',
          body: body ?? 'Done.',
          ...(trailers ? { trailers } : {}),
        }),
      );
    }
    return head;
  };

  /** What choo writes into the specs with a task. */
  const written = (number: number, last = false): Record<string, string> => {
    const of = unit.tasks.find((task) => task.number === number);
    if (of === undefined) throw new Error(`there is no task ${number}`);
    const contents = new Map([unit.plan, of.file].map((file) => [file.path, file.content]));
    const edits = statusEdits(unit, of, last ? { branch: BRANCH, at: new Date() } : undefined);
    return Object.fromEntries(
      edits.map((edit) => [
        edit.path,
        applyEdit(contents.get(edit.path) ?? Buffer.alloc(0), edit).toString(),
      ]),
    );
  };

  const first = await make(world.head, [
    {
      files: { one: '', ...written(1) },
      trailers: { 'Choo-Run': RUN, 'Choo-Unit': 'api', 'Choo-Task': '1' },
    },
  ]);
  const record: UnitRecord = {
    target: 'main',
    unit: 'api',
    run: RUN,
    key: 'key',
    branch: BRANCH,
    base: world.head,
    builtOn: {},
    head: first,
    committed: first,
    tasks: [1],
    verified: false,
  };
  const question: UnitStartInput = {
    run: RUN,
    unit,
    config: DEFAULT_CONFIG,
    key: 'key',
    target: 'main',
    branch: BRANCH,
    branchHead: first,
    commit: world.head,
    directory: '',
    dependencies: [],
    fresh: false,
    startOver: 'start over',
  };
  const kept = stack.move();
  return {
    ...world,
    make,
    written,
    record,
    question,
    /** `others`: the records of other units, by id. */
    start: async (
      change: Partial<UnitStartInput>,
      known: Partial<UnitRecord> = {},
      others: Readonly<Record<string, Partial<UnitRecord>>> = {},
    ) => {
      const store = {
        record: async (_: string, id: string) => ({ ...record, ...(id === 'api' ? known : others[id]) }),
      };
      return findStart({ ...question, ...change }, { repository, store });
    },
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

export type UnitWorld = Awaited<ReturnType<typeof openUnitWorld>>;
