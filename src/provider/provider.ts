import type { Task } from '../discovery/unit.ts';
import type { Profile } from '../sandbox/sandbox.ts';

/** What an agent CLI gets for one invocation. */
export interface Assignment {
  readonly prompt: string;
  readonly task: Pick<Task, 'title' | 'file'>;
  readonly model?: string | undefined;
  /** Additional arguments, from the configuration. */
  readonly args?: readonly string[] | undefined;
  /** Replaces the provider's executable. */
  readonly command?: string | undefined;
  /** The working directory as the CLI sees it, absolute. */
  readonly cwd: string;
  /** An empty, writable directory for this invocation only. Absolute; not below a temporary directory. */
  readonly stateDirectory: string;
  /** The variables that the provider declares and that are set, including secrets. */
  readonly variables: Readonly<Record<string, string>>;
  /** choo's sandbox runs the CLI, so the CLI's own sandbox must be off: two do not nest. */
  readonly sandboxed: boolean;
  /** What it is to do, for a rehearsal, which reads no prompt: further variables of its block. */
  readonly rehearsed?: Readonly<Record<string, string>> | undefined;
}

/** How to start the CLI. */
export interface Invocation {
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string | undefined;
  /** Files to write before the start, by path below the state directory. */
  readonly files: Readonly<Record<string, string>>;
}

/** Tokens as a CLI counts them. `input` does not include tokens read from a cache. */
export interface TokenCount {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** One fact from a CLI's stream. */
export type AgentEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool'; readonly name: string; readonly detail: string }
  /**
   * Usage since the stream began, not since the last event. `costUsd` is null when the CLI does not report it. `models` are
   * the models used, when the CLI reports them.
   */
  | {
      readonly type: 'usage';
      readonly tokens: TokenCount;
      readonly costUsd: number | null;
      readonly models: readonly string[];
    }
  /** A provider error after which the CLI retries by itself. `resetsAt` in milliseconds since 1970; null when unknown. */
  | {
      readonly type: 'trouble';
      readonly trouble: ProviderError;
      readonly message: string;
      readonly resetsAt: number | null;
    }
  /** The end of the conversation. `trouble` is undefined when the agent claims success. */
  | {
      readonly type: 'result';
      readonly trouble: ProviderError | undefined;
      readonly message: string;
      readonly resetsAt: number | null;
    };

/**
 * Why an agent could not go on. `overloaded`: the provider, or the network to it, is down for now. `not-authenticated`: the
 * operator must fix a key, log-in or account; `misconfigured`: a model, certificate or proxy. `error` is everything else.
 */
export type ProviderError =
  | 'rate-limited'
  | 'overloaded'
  | 'not-authenticated'
  | 'misconfigured'
  | 'refused'
  | 'truncated'
  | 'error';

/** Reads the standard output of one invocation, line by line. Unknown lines give no events; never throws. */
export type LineParser = (line: string) => readonly AgentEvent[];

/** An environment variable that a CLI needs. The value of a secret one is never shown or committed. */
export interface Variable {
  readonly name: string;
  readonly secret: boolean;
}

/** An npm package with an executable. */
interface NpmPackage {
  readonly package: string;
  /** The versions that this description fits: a range or a tag of npm. */
  readonly version: string;
  /** A script that must run when npm runs no scripts by itself. Path below the package. */
  readonly setup?: string;
}

/** US dollars per million tokens. */
export type Price = readonly [input: number, output: number, cacheRead: number, cacheWrite: number];

/**
 * Describes an agent CLI: what to start, how to pass the assignment, what its stream means. Starts no process itself.
 * A provider's file contains everything that choo knows about it; configuration, protected paths, prices and documentation
 * read it from here.
 */
export interface Provider {
  /** The name in the registry, in specs and in configurations. */
  readonly name: string;
  /** The name that its vendor uses. */
  readonly title: string;
  /** The executable, unless the configuration names another; found on the operator's PATH. */
  readonly executable: string;
  /** How to install it: a package, or an instruction. */
  readonly installation: NpmPackage | string;
  /** How to provide credentials, as a hint. */
  readonly authentication: string;
  /** The sandbox profile: `gate` for a provider that needs no network and no secrets. */
  readonly profile: Exclude<Profile, 'setup'>;
  readonly variables: readonly Variable[];
  /**
   * Names of files and directories that instruct it, anywhere in a repository; upper and lower case are equal. No agent
   * may change them, whichever agent it is.
   */
  readonly steeredBy: readonly string[];
  /**
   * The list prices of the vendor's models, by the beginning of their names: standard tier, prompts of usual length, and the
   * highest price for writing a cache.
   */
  readonly prices?: Readonly<Record<string, Price>>;
  /** Throws a ChooError (`usage`) when the provider cannot execute the assignment. */
  invocation(assignment: Assignment): Invocation;
  createParser(): LineParser;
}

/** How to install a provider's executable, as a hint. */
export function installationHint({ installation }: Pick<Provider, 'installation'>): string {
  return typeof installation === 'string' ? installation : `npm install --global ${installation.package}`;
}
