/** The content of a commit by choo. */
export interface CommitFacts {
  readonly tree: string;
  readonly parents: readonly string[];
  /** One line. */
  readonly subject: string;
  readonly body?: string;
  /** Names and values of the trailers, in order. */
  readonly trailers?: Readonly<Record<string, string>>;
}

/** Author and committer: choo, never the agent. */
const IDENTITY = 'choo <choo@localhost>';

/**
 * The text of a commit object. Line ends in the subject and in trailers become blanks, so that neither can forge the
 * other; so do control characters in the body.
 */
export function commitText(
  { tree, parents, subject, body, trailers = {} }: CommitFacts,
  now = new Date(),
): string {
  const who = `${IDENTITY} ${Math.floor(now.getTime() / 1000)} +0000`;
  const header = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${who}`,
    `committer ${who}`,
  ];
  const lines = Object.entries(trailers).map(([name, value]) => `${name}: ${oneLine(value)}`);
  const paragraphs = [oneLine(subject), plain(body ?? ''), lines.join('\n')].filter((text) => text !== '');
  return `${header.join('\n')}\n\n${paragraphs.join('\n\n')}\n`;
}

/** The parts of a commit object that choo reads. */
interface ParsedCommit {
  readonly parents: readonly string[];
  /** Names and values of the last paragraph, if it is not the first and holds only trailers. */
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

/** Parses a commit object of any author. */
export function parseCommit(content: Uint8Array): ParsedCommit {
  const text = new TextDecoder().decode(content);
  const end = text.indexOf('\n\n');
  const header = end < 0 ? text : text.slice(0, end);
  const parents = Array.from(header.matchAll(/^parent ([0-9a-f]{40,64})$/gm), (match) => match[1] ?? '');
  const paragraphs = text
    .slice(header.length)
    .trim()
    .split(/\n{2,}/);
  const last = paragraphs.length > 1 ? (paragraphs.at(-1) ?? '') : '';
  const lines = last.split('\n').map((line) => /^([A-Za-z0-9-]+): (.*)$/.exec(line));
  const trailers = lines.map((match) => [match?.[1] ?? '', match?.[2] ?? ''] as const);
  return { parents, trailers: lines.includes(null) ? [] : trailers };
}

function plain(text: string): string {
  return text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[\0-\x08\x0b-\x1f\x7f]/g, ' ')
    .trim();
}

function oneLine(text: string): string {
  return text.replaceAll(/[\0-\x1f\x7f]+/g, ' ').trim();
}
