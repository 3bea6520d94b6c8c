/** How much a problem matters: an error stops a run, a warning is shown, a notice explains. */
export type Severity = 'error' | 'warning' | 'notice';

/** What the documentation says about one code. Markdown without tables; each text ends with a full stop. */
export interface CodeEntry {
  /** Every severity that the code is reported with. */
  readonly levels: readonly Severity[];
  /** What is so, in a line. */
  readonly meaning: string;
  /** What the author of the file does about it. */
  readonly cure: string;
  /** A message as it is reported, where that says more than the meaning. */
  readonly example?: string;
}

/** The codes of one area. Codes are kebab-case and stable: scripts and links name them. */
export type CodeArea = Readonly<Record<string, CodeEntry>>;
