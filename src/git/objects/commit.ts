import { harmlessLine, harmlessLines } from '../../text/harmless.ts';

/** The content of a commit by choo. */
export interface CommitFacts {
  readonly tree: string;
  readonly parents: readonly string[];
  /** One line; text from anywhere. */
  readonly subject: string;
  readonly body?: string;
  /** Names and values of the trailers, in order. */
  readonly trailers?: Readonly<Record<string, string>>;
  /** Keeps continuous integration from running for it. Not for commits of a unit's branch: they are to be tested. */
  readonly skipsCi?: true;
}

/** How git names a person or bot. */
export interface Person {
  readonly name: string;
  readonly email: string;
}

/** Who made a commit of choo's; never the agent. */
export interface Signature {
  readonly author: Person;
  readonly committer: Person;
  /** Who asked for it: a trailer `Co-authored-by`. */
  readonly coAuthor?: Person | undefined;
  /** A trailer `Signed-off-by` with the committer. */
  readonly signOff?: boolean;
}

const CHOO: Person = { name: 'choo', email: 'choo@localhost' };
/** The signature where there is no other identity. */
export const OWN_SIGNATURE: Signature = { author: CHOO, committer: CHOO };

/**
 * The text of a commit object. Nothing in the subject or body can act on GitHub (see {@link harmlessLine}) or forge a trailer;
 * line ends in trailers become blanks.
 */
export function commitText(
  { tree, parents, subject, body, trailers = {}, skipsCi }: CommitFacts,
  { author, committer, coAuthor, signOff = false }: Signature = OWN_SIGNATURE,
  now = new Date(),
): string {
  const time = `${Math.floor(now.getTime() / 1000)} +0000`;
  const header = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${personText(author)} ${time}`,
    `committer ${personText(committer)} ${time}`,
  ];
  const lines = [
    ...Object.entries(trailers),
    ...(coAuthor === undefined ? [] : [['Co-authored-by', personText(coAuthor)] as const]),
    ...(signOff ? [['Signed-off-by', personText(committer)] as const] : []),
  ].map(([name, value]) => `${name}: ${oneLine(value)}`);
  const first = harmlessLine(subject) + (skipsCi === true ? ' [skip ci]' : '');
  const paragraphs = [first, harmlessLines(body ?? ''), lines.join('\n')].filter((text) => text !== '');
  return `${header.join('\n')}\n\n${paragraphs.join('\n\n')}\n`;
}

/** `Name <address>`, without the characters that end either. choo where one is empty: git refuses such a commit. */
function personText(person: Person): string {
  const [name, email] = [person.name, person.email].map((text) => oneLine(text.replaceAll(/[<>]/g, '')));
  return name && email ? `${name} <${email.replaceAll(' ', '')}>` : `${CHOO.name} <${CHOO.email}>`;
}

/**
 * The content of a commit object again with another tree and parent: author and message stay byte for byte, and so does the time
 * of the committer, so that the same commit made again is the same. What a signature signed is gone with the signature.
 */
export function commitAgain(
  content: Uint8Array,
  { tree, parent }: { readonly tree: string; readonly parent: string },
  { committer }: Pick<Signature, 'committer'>,
): Buffer {
  const text = Buffer.from(content).toString('latin1');
  const end = text.indexOf('\n\n');
  const [header, message] = end < 0 ? [text, '\n'] : [text.slice(0, end), text.slice(end)];
  // A line that begins with a blank continues the one before.
  const fields = header.split(/\n(?! )/);
  const of = (name: string): readonly string[] => fields.filter((field) => field.startsWith(`${name} `));
  const time = /> (\d+ [+-]\d{4})$/.exec(of('committer')[0] ?? '')?.[1] ?? '0 +0000';
  const made = Buffer.from(`committer ${personText(committer)} ${time}`).toString('latin1');
  const lines = [`tree ${tree}`, `parent ${parent}`, ...of('author'), made, ...of('encoding')];
  return Buffer.from(`${lines.join('\n')}${message}`, 'latin1');
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

function oneLine(text: string): string {
  return text.replaceAll(/[\0-\x1f\x7f]+/g, ' ').trim();
}
