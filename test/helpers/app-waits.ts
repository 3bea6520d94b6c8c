import { type AppWorld, REPO, type State } from './app-world.ts';

/** Waits for the plan of a commit. */
export async function planned(world: Pick<AppWorld, 'until'>, commit: string): Promise<State> {
  return world.until(`the plan of ${commit}`, ({ checks }) =>
    checks.some(
      ({ name, head_sha, status }) => name === 'choo / plan' && head_sha === commit && status === 'completed',
    ),
  );
}

/** Waits until so many runs were said to have ended on a thread, or on all of them. */
export async function ended(world: Pick<AppWorld, 'until'>, runs: number, thread?: number): Promise<State> {
  return world.until(
    `the end of run ${runs}`,
    ({ comments }) =>
      comments.filter(
        ({ body, issue }) => body.includes('<!-- choo:end') && (thread === undefined || issue === thread),
      ).length >= runs,
    180_000,
  );
}

/** Waits until choo has handled all that was delivered, and told all that it has to tell. */
export async function quiet(world: AppWorld): Promise<State> {
  for (;;) {
    await world.github.settled();
    const [open] = await world.server.rows(
      `select (select count(*) from deliveries where handled_at is null)
            + (select count(*) from reports join runs on runs.id = run where reports.seq < runs.seq or wanted > 0)
            + (select count(*) from runs where status = 'running') as open`,
    );
    if (open?.['open'] === '0') return world.github.state(REPO);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits for the comment with the plan of a pull request, and until what is written then is plainly later. */
export async function seen(world: AppWorld, pull: number): Promise<void> {
  await world.until('the plan in a comment', ({ comments }) =>
    comments.some(({ issue, body }) => issue === pull && body.includes('<!-- choo:plan')),
  );
  await nextSecond();
}

/** GitHub's times are whole seconds: what comes after this is later than what came before. */
export async function nextSecond(): Promise<void> {
  const second = Math.floor(Date.now() / 1_000);
  while (Math.floor(Date.now() / 1_000) === second) await new Promise((resolve) => setTimeout(resolve, 20));
}
