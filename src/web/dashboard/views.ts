import { ChooError } from '../../errors.ts';
import { RunPictures } from './live/run-pictures.ts';
import type { PageContext } from './pages/layout.ts';
import type { RunView } from './pages/run-page.ts';
import type { UnitView } from './pages/unit-page.ts';
import type { DashboardSource } from './source.ts';
import type { Grant, Visitor } from './visitor.ts';

/** The run of a stream, and what is known of its reader's access. */
interface StreamOf {
  readonly run: string;
  readonly grant: Grant;
}

/** What visitors may see, read for their pages. Everything about a run goes through here. */
export class Views {
  readonly source: DashboardSource;
  readonly pictures: RunPictures;
  readonly base: string;
  readonly now: () => number;

  constructor(
    options: { readonly source: DashboardSource; readonly base: string; readonly now: () => number },
    onError: (error: unknown) => void,
  ) {
    this.source = options.source;
    this.base = options.base;
    this.now = options.now;
    this.pictures = new RunPictures(options.source.store, onError);
  }

  /** Makes the picture of the newest run, if there is one. */
  async prepare(): Promise<void> {
    const [run] = await this.source.store.runs(1);
    if (run !== undefined) await this.pictures.read(run);
  }

  contextOf({ login, isOperator, formToken }: Visitor): PageContext {
    const { base, source } = this;
    const hasServer = isOperator && source.server !== undefined;
    return { base, name: source.name, now: this.now(), login, hasServer, formToken };
  }

  /** Throws a ChooError (`usage`) for a run that is not there, and for one that the visitor may not see: they look alike. */
  async run(visitor: Visitor, run: string, isAskedNow = false): Promise<RunView & { readonly grant: Grant }> {
    const isId = /^[0-9a-z]{10}$/.test(run);
    const grant = isId ? await visitor.grantFor(run, isAskedNow) : undefined;
    const picture =
      grant === undefined || grant.access === 'none' ? undefined : await this.pictures.read(run);
    if (grant === undefined || picture === undefined)
      throw new ChooError('usage', `there is no run \`${run.slice(0, 100)}\` here`);
    const { access } = grant;
    const isAlive = await this.source.isAlive(run);
    return { context: this.contextOf(visitor), picture, isAlive, source: this.source, access, grant };
  }

  /** The same for a unit of a run. */
  async unit(
    visitor: Visitor,
    run: string,
    id: string,
    isAskedNow = false,
  ): Promise<UnitView & { readonly grant: Grant }> {
    const { picture, ...view } = await this.run(visitor, run, isAskedNow);
    const unit = picture.state.units.get(id);
    if (unit === undefined) throw new ChooError('usage', `run ${run} has no unit \`${id.slice(0, 100)}\``);
    const events = (await this.source.store.read(run)).filter(
      (event) => 'unit' in event && event.unit === id,
    );
    return { ...view, source: this.source, run, unit, events };
  }

  /**
   * What a stream of a run shows next, by an answer about access that the stream ends with. `isNews`: its reader was just told that
   * something happened, so all of that is in the picture; otherwise the store is asked.
   */
  async next(visitor: Visitor, { run, grant }: StreamOf, isNews: boolean): Promise<RunView> {
    const picture = (isNews ? this.pictures.seen(run) : undefined) ?? (await this.pictures.read(run));
    if (picture === undefined) throw new ChooError('usage', `there is no run \`${run}\` here`);
    const isAlive = await this.source.isAlive(run);
    const { access } = grant;
    return { context: this.contextOf(visitor), picture, isAlive, source: this.source, access };
  }
}
