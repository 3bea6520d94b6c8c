import { cut } from './cut.ts';
import { withoutHidden } from './hidden-text.ts';

/** Maximum length of a harmless line, unless another is named. Characters. */
const MAX_LENGTH = 200;
/** The same for a line of a body. */
const MAX_BODY_LINE = 1_000;
/** The part of a text that is read, as a multiple of the maximum length: most of it is left out anyway. */
const READ_FACTOR = 20;

/** What acts in a line, and what is written instead: the same words, visibly not the acting form. */
type Rule = readonly [acting: RegExp, harmless: string | ((words: string) => string)];

/** What keeps continuous integration from running when it stands in brackets. */
const SKIPS = /skip|no[\s_-]*(?:ci|cd|build|deploy|test|action|check|pipeline)/iu;

/**
 * What GitHub, continuous integration and bots act on in a commit message or in the title of a pull request. GitHub folds the
 * cases of all alphabets, so no closing word (`fixes`) is a criterion: every reference is changed. What stands behind a match
 * never prevents it, so that a line which is cut stays harmless.
 */
const RULES: readonly Rule[] = [
  // A bot's command begins a line.
  [/^[ /]+/g, ''],
  // Mentions of people, teams and bots. Between letters or digits an `@` belongs to an address or a version.
  [/(?<![A-Za-z0-9])@(?=\w)/g, ''],
  // References leave a trace in an issue, and may close it.
  [/(?<=[\p{L}\p{N}._-])#(?=\d)/gu, ' no. '],
  [/#(?=\d)/g, 'no. '],
  [/(?<![A-Za-z0-9_])gh-(?=\d)/gi, 'no. '],
  [/(?:https?|ftp):\/+/giu, ''],
  [/(?<![A-Za-z0-9])www\.(?=\S)/gi, ''],
  // `[skip ci]`, `[no ci]`, `[actions skip]`, `[skip netlify]`; `***NO_CI***`; `--skip-ci`
  [
    /\[[^[\]]*\]/g,
    (words) => (SKIPS.test(words) ? `(${words.slice(1, -1).trim().replaceAll(/[ _]/g, '-')})` : words),
  ],
  [/\*(?= ?(?:no|skip)[ _-]?ci)/giu, ''],
  [/--(?=(?:skip|no)-?ci|ci-?skip)/giu, ''],
  // Trailers. A single word, as in `fix: a bug`, is none that acts.
  [/^[a-z0-9]+(?:-[a-z0-9]*)+ ?:/giu, withoutColon],
  [/(?:-by|change-id|skip-checks?) ?:/giu, withoutColon],
  // git would move and meld such a commit.
  [/^(?:fixup|squash|amend)!/gi, (words) => words.slice(0, -1)],
];

function withoutColon(words: string): string {
  return `${words.slice(0, -1).trim()} -`;
}

/**
 * A text from anywhere as one line that does nothing in a commit message, a squash message or the title of a pull request:
 * no closing reference, mention, `[skip ci]`, trailer or command of a bot, and nothing hidden. What acts is changed visibly
 * (`#12` becomes `no. 12`); all else stays as it is. Idempotent, and never longer than `limit` characters.
 */
export function harmlessLine(text: string, limit = MAX_LENGTH): string {
  let line = text.slice(0, limit * READ_FACTOR);
  for (let before = ''; before !== line;) {
    before = line;
    line = withoutHidden(line.toWellFormed().replaceAll(/\s+/g, ' ')).trim();
    for (const [acting, harmless] of RULES)
      line = line.replaceAll(acting, typeof harmless === 'string' ? () => harmless : harmless);
    line = cut(line.trim(), limit);
  }
  return line;
}

/** {@link harmlessLine} for each line of a text, whose paragraphs stay. */
export function harmlessLines(text: string): string {
  return text
    .split(/\r\n?|\n/)
    .map((line) => harmlessLine(line, MAX_BODY_LINE))
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

/** Whether a line, as it is, does nothing in a message. */
export function isHarmless(line: string): boolean {
  return harmlessLine(line, Number.POSITIVE_INFINITY) === line;
}
