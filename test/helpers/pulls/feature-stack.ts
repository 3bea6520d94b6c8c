import { ended, planned, quiet, seen } from '../app-waits.ts';
import { type AppWorld, REPO } from '../app-world.ts';
import { projectFiles } from '../spec-project.ts';

/** Units that come with a pull request: each stands on the one before it. */
export interface FeatureStack {
  /** The branch of the pull request. */
  readonly branch: string;
  readonly units: readonly string[];
  /** The gate of a unit. By default: its file is there. */
  readonly gateOf?: (unit: string) => string;
  /** What an agent plays that works on a whole unit. */
  readonly sh?: string;
}

/** Pushes the specs of a stack, opens their pull request and runs them by a label on it. Returns its number. */
export async function runFeatureStack(world: AppWorld, stack: FeatureStack): Promise<number> {
  const alice = world.github.as('alice');
  const { branch } = stack;
  const head = await world.push('alice', branch, stackFiles(stack));
  const thread = await alice.openPull(REPO, { head: branch, base: 'main', title: 'A stack' });
  await planned(world, head);
  await seen(world, thread);
  await alice.label(REPO, thread, 'choo:run');
  await ended(world, 1, thread);
  await quiet(world);
  return thread;
}

/** The specs of a stack. Each unit writes its name into a file of that name. */
export function stackFiles({
  units: ids,
  gateOf = (unit) => `test -f ${unit}.txt`,
  sh,
}: Omit<FeatureStack, 'branch'>): Readonly<Record<string, string>> {
  const units = ids.map((id, at) => {
    const task = { gate: gateOf(id), sh: `echo ${id} > ${id}.txt` };
    const plan = sh === undefined ? {} : { sh };
    return [id, { dependsOn: ids.slice(Math.max(0, at - 1), at), tasks: [task], ...plan }] as const;
  });
  const { '.choo.yml': _, ...files } = projectFiles({ units: Object.fromEntries(units) });
  return files;
}
