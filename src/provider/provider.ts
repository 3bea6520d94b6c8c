import type { Task } from '../discovery/unit.ts';
import type { Profile } from '../sandbox/sandbox.ts';

/** What is asked of an agent CLI, once. */
export interface Assignment {
  readonly prompt: string;
  readonly task: Pick<Task, 'title' | 'file'>;
  readonly model?: string | undefined;
  /** More arguments, from the configuration. */
  readonly args?: readonly string[] | undefined;
  /** Another executable than the provider's own. */
  readonly command?: string | undefined;
  /** Where it works: absolute. */
  readonly cwd: string;
  /** A directory of its own, empty, writable, for this one invocation. Absolute; not below a temporary directory. */
  readonly stateDirectory: string;
  /** The variables the provider declares that are set here, secrets among them. */
  readonly variables: Readonly<Record<string, string>>;
  /** A sandbox of choo's is around it, so its own must be off: two do not nest. */
  readonly sandboxed: boolean;
}

/** How to start it. */
export interface Invocation {
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string | undefined;
  /** Files to write before it starts, by path below the state directory. */
  readonly files: Readonly<Record<string, string>>;
}

/** Tokens as a CLI counts them. `input` is without what came from a cache. */
export interface TokenCount {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** What a line of a CLI's stream says. */
export type AgentEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool'; readonly name: string; readonly detail: string }
  /**
   * Spent since the stream began, not since the last event. `costUsd` null: the CLI does not say. `models`: those that it was
   * spent on, where the CLI says it.
   */
  | {
      readonly type: 'usage';
      readonly tokens: TokenCount;
      readonly costUsd: number | null;
      readonly models: readonly string[];
    }
  /** The CLI met this and tries again by itself. `resetsAt` in milliseconds since 1970, where the provider says it. */
  | {
      readonly type: 'trouble';
      readonly trouble: Trouble;
      readonly message: string;
      readonly resetsAt: number | null;
    }
  /** The last word. `trouble` undefined: it says it did what it was asked. */
  | {
      readonly type: 'result';
      readonly trouble: Trouble | undefined;
      readonly message: string;
      readonly resetsAt: number | null;
    };

/**
 * Why an agent could not go on. `overloaded`: the provider, or the way to it, is down for now. `not-authenticated`: its key,
 * log-in or account must be mended; `misconfigured`: the model, a certificate, a proxy. `error` is everything else.
 */
export type Trouble =
  | 'rate-limited'
  | 'overloaded'
  | 'not-authenticated'
  | 'misconfigured'
  | 'refused'
  | 'truncated'
  | 'error';

/** Reads one invocation's standard output, line by line. Lines it does not know give nothing; it never throws. */
export type LineParser = (line: string) => readonly AgentEvent[];

/** An environment variable that a CLI needs; the value of a secret one is shown to nobody and committed by nobody. */
export interface Variable {
  readonly name: string;
  readonly secret: boolean;
}

/** A package of npm that brings an executable. */
interface NpmPackage {
  readonly package: string;
  /** The versions that are driven by this description: a range or a tag of npm. */
  readonly version: string;
  /** A script of the package that must run where npm runs none by itself. Path below the package. */
  readonly setup?: string;
}

/** US dollars for a million tokens. */
export type Price = readonly [input: number, output: number, cacheRead: number, cacheWrite: number];

/**
 * An agent CLI, described: what to start, how the assignment travels, what its stream means. It starts nothing itself.
 * Everything choo knows of one stands in its file; the configuration, protected paths, prices and documentation take it
 * from here.
 */
export interface Provider {
  /** As the registry and users write it. */
  readonly name: string;
  /** As its makers write it. */
  readonly title: string;
  /** The executable it starts when the configuration names no other; looked up on the operator's PATH. */
  readonly executable: string;
  /** Where it comes from: a package, or what to do, in words. */
  readonly installation: NpmPackage | string;
  /** How to give it credentials, for who has none. */
  readonly authentication: string;
  /** The profile it runs in: `gate` for one that needs no network and no secrets. */
  readonly profile: Exclude<Profile, 'setup'>;
  readonly variables: readonly Variable[];
  /**
   * Names of files and directories that steer it, wherever they stand in a repository; upper and lower case are the same.
   * An agent may change none of them, whichever agent it is.
   */
  readonly steeredBy: readonly string[];
  /**
   * The list prices of its maker's models, by the beginnings of their names. The standard tier; prompts of a usual length;
   * where a cache can be written for longer at a higher price, that price.
   */
  readonly prices?: Readonly<Record<string, Price>>;
  /** Throws a ChooError (`usage`) when the assignment cannot be carried out by it. */
  invocation(assignment: Assignment): Invocation;
  createParser(): LineParser;
}

/** What to do to get a provider's executable, as a hint. */
export function installationHint({ installation }: Pick<Provider, 'installation'>): string {
  return typeof installation === 'string' ? installation : `npm install --global ${installation.package}`;
}
