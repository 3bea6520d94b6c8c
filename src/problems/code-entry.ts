/** How much a problem matters: an error stops a run, a warning is shown, a notice explains. */
export type Severity = 'error' | 'warning' | 'notice';

/** The documentation of one code. Markdown without tables; each text ends with a full stop. */
export interface CodeEntry {
  /** Every severity that the code is reported with. */
  readonly levels: readonly Severity[];
  /** What the code means, in one line. */
  readonly meaning: string;
  /** How the author of the file fixes it. */
  readonly cure: string;
  /** A reported message, if it says more than the meaning. */
  readonly example?: string;
}

/** The codes of one area. Codes are kebab-case and stable: scripts and links name them. */
export type CodeArea = Readonly<Record<string, CodeEntry>>;
