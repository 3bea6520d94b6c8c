import { git, lines } from '../git.ts';
import { invalid, Refusal } from '../refusal.ts';
import { optionalText } from '../router.ts';
import {
  now,
  type CheckRun,
  type CheckSuite,
  type Json,
  type OtherApp,
  type Repository,
  type World,
} from '../world.ts';

/** The maximum length of an output's summary and text. */
const LONGEST_OUTPUT = 65_535;
const MAX_ANNOTATIONS = 50;
const CONCLUSIONS = new Set([
  'action_required',
  'cancelled',
  'failure',
  'neutral',
  'success',
  'skipped',
  'stale',
  'timed_out',
]);

/** The one suite of an App's runs at a commit; by default that of the app under test. */
export async function suiteFor(
  world: World,
  repository: Repository,
  sha: string,
  app?: OtherApp,
): Promise<CheckSuite> {
  const there = repository.suites.find((suite) => suite.sha === sha && suite.app?.id === app?.id);
  if (there !== undefined) return there;
  const branches = await git(repository.bare, [
    'for-each-ref',
    '--format=%(refname:lstrip=2)',
    `--points-at=${sha}`,
    'refs/heads',
  ]);
  const suite = {
    id: world.nextId(),
    app,
    sha,
    branch: lines(branches)[0] ?? null,
    createdAt: now(),
    rerequested: false,
  };
  repository.suites.push(suite);
  return suite;
}

/** Applies a request to a check run, after all of it was validated. */
export function applyCheck(run: CheckRun, body: Json): void {
  const output = outputIn(body, run);
  const actions = actionsIn(body) ?? run.actions;
  const conclusion = optionalText(body, 'conclusion');
  const status = conclusion === undefined ? (optionalText(body, 'status') ?? run.status) : 'completed';
  if (conclusion !== undefined && !CONCLUSIONS.has(conclusion)) throw bad('conclusion');
  if (!['queued', 'in_progress', 'completed'].includes(status)) throw bad('status');
  if (status === 'completed' && run.status !== 'completed' && conclusion === undefined)
    throw new Refusal(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.');
  run.suite.rerequested = false;
  run.name = optionalText(body, 'name') ?? run.name;
  run.externalId = optionalText(body, 'external_id') ?? run.externalId;
  run.detailsUrl = optionalText(body, 'details_url') ?? run.detailsUrl;
  const started = status === 'queued' ? null : now();
  run.startedAt = optionalText(body, 'started_at') ?? run.startedAt ?? started;
  run.conclusion = status === 'completed' ? (conclusion ?? run.conclusion) : null;
  run.completedAt =
    status === 'completed' ? (optionalText(body, 'completed_at') ?? run.completedAt ?? now()) : null;
  run.status = status;
  run.output = output.output;
  run.annotations.push(...output.annotations);
  run.actions = actions;
}

function outputIn(body: Json, run: CheckRun): { output: CheckRun['output']; annotations: readonly Json[] } {
  const given = body['output'] as Json | undefined;
  if (given === undefined) return { output: run.output, annotations: [] };
  const title = optionalText(given, 'title') ?? run.output.title;
  const summary = optionalText(given, 'summary');
  if (summary === undefined) throw new Refusal(422, 'Invalid request.\n\n"summary" wasn\'t supplied.');
  const text = optionalText(given, 'text');
  for (const [field, value] of Object.entries({ summary, text }))
    if (Buffer.byteLength(value ?? '') > LONGEST_OUTPUT)
      throw new Refusal(
        422,
        `Invalid request.\n\nOnly ${LONGEST_OUTPUT} characters are allowed; ${Buffer.byteLength(value ?? '')} were supplied.`,
        { errors: [{ resource: 'CheckRun', code: 'invalid', field: `output.${field}` }] },
      );
  const annotations = (given['annotations'] ?? []) as readonly Json[];
  if (annotations.length > MAX_ANNOTATIONS)
    throw new Refusal(
      422,
      `Invalid request.\n\nNo more than ${MAX_ANNOTATIONS} items are allowed; ${annotations.length} were supplied.`,
    );
  for (const each of annotations) {
    const complete =
      typeof each['path'] === 'string' &&
      typeof each['message'] === 'string' &&
      Number.isInteger(each['start_line']) &&
      Number.isInteger(each['end_line']) &&
      ['notice', 'warning', 'failure'].includes(String(each['annotation_level']));
    if (!complete) throw bad('annotations');
  }
  return { output: { title, summary, text: text ?? run.output.text }, annotations };
}

function actionsIn(body: Json): CheckRun['actions'] | undefined {
  const given = body['actions'] as CheckRun['actions'] | undefined;
  if (given === undefined) return undefined;
  const fits = (action: Partial<CheckRun['actions'][number]>): boolean =>
    Object.entries({ label: 20, description: 40, identifier: 20 } as const).every(
      ([field, most]) => (action[field as keyof typeof action]?.length ?? Infinity) <= most,
    );
  if (given.length > 3 || !given.every((action) => fits(action))) throw bad('actions');
  return given;
}

function bad(field: string): Refusal {
  return invalid({ resource: 'CheckRun', code: 'invalid', field });
}
