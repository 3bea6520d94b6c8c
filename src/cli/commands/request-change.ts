import { askOwner } from '../../orchestrator/local/ask-owner.ts';
import { cancelLocally } from '../../orchestrator/local/local-run.ts';
import type { RunRequest } from '../../store/journal/run-requests.ts';
import type { RunControlRequest } from '../../store/runs/change-run.ts';
import type { CommandContext } from '../context.ts';
import { chooseRun, type ChosenRun } from '../sources/run-choice.ts';
import { openStore, terminalActor } from '../sources/server-store.ts';
import { continueRun } from './continue-run.ts';

type OpenStore = Awaited<ReturnType<typeof openStore>>;

/** What the command line says of a change of a run. */
export interface ChangeWords {
  /** The id of a run, units of it, or both. */
  readonly words: readonly string[];
  /** The run, when its id could also name a unit. */
  readonly named: string | undefined;
  readonly json: boolean;
}

/** One kind of change, on a server and in this repository. */
export interface RunChangeCommand {
  readonly request: Pick<RunRequest, 'kind' | 'fresh' | 'from'>;
  /** Makes it in the database of a server. Returns the changed units. */
  readonly onServer: (store: OpenStore, request: RunControlRequest) => Promise<readonly string[]>;
  /** Describes the changed units of a run. */
  readonly describe: (run: string, units: readonly string[]) => string;
}

/**
 * Changes the chosen run: on the server, in the process that executes it, or here. Throws a ChooError (`usage`, `conflict`)
 * for a refusal.
 */
export async function requestChange(
  context: CommandContext,
  { words, named, json }: ChangeWords,
  { request, onServer, describe }: RunChangeCommand,
): Promise<void> {
  const { terminal, finish } = context;
  const chosen = await chooseRun(context, words, named);
  const run = chosen.kind === 'server' ? chosen.run : chosen.state.start.run;
  const say = (changed: readonly string[]): void => terminal.out(describe(run, changed));
  const asked = { units: chosen.units, actor: terminalActor() };
  let units: readonly string[] | undefined;
  if (chosen.kind === 'server') {
    await using store = await openStore();
    units = await onServer(store, { ...asked, run });
  } else units = await changeHere(context, chosen, { request: { ...request, ...asked }, json, say });
  if (units === undefined) return;
  if (json) terminal.json({ version: 1, run, units });
  else say(units);
  finish(0);
}

/** Returns the changed units; undefined when the run was continued in this process, which reported them and its end. */
async function changeHere(
  context: CommandContext,
  { local, state }: Extract<ChosenRun, { kind: 'local' }>,
  change: {
    readonly request: RunRequest;
    readonly json: boolean;
    readonly say: (units: readonly string[]) => void;
  },
): Promise<readonly string[] | undefined> {
  const { run } = state.start;
  if (change.request.kind === 'cancel') return cancelLocally(local.place, run, change.request);
  const answer = await askOwner({ commonDirectory: local.place.commonDirectory, run }, change.request);
  if (answer.kind === 'done') return answer.units;
  await continueRun(context, { local, state, ...change });
  return undefined;
}
