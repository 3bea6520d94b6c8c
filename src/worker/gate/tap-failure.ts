/** A failed test in a runner's output: its name, its message, and the index of the line with its name. */
export interface TestFailure {
  readonly name: string;
  readonly message: string | undefined;
  readonly at: number;
}

const NOT_OK = /^\s*not ok \d+(?: -)? (.+)$/;
/** Maximum lines of a message without YAML, as in bats. */
const COMMENT_LINES = 3;

/** The first failed test in Test Anything Protocol output, without the suites that contain it. */
export function findTapFailure(lines: readonly string[]): TestFailure | undefined {
  for (const [at, line] of lines.entries()) {
    const name = NOT_OK.exec(line)?.[1];
    if (name === undefined || /# (?:TODO|SKIP)\b/i.test(name)) continue;
    if (lines[at + 1]?.trim() !== '---') return { name, message: comments(lines, at + 1), at };
    const block = lines.slice(at + 2, endOfBlock(lines, at + 2));
    if (!block.some((each) => /^\s*failureType: 'subtestsFailed'$/.test(each)))
      return { name, message: errorOf(block), at };
  }
  return undefined;
}

function endOfBlock(lines: readonly string[], start: number): number {
  for (let index = start; index < lines.length; index += 1)
    if (lines[index]?.trim() === '...' || NOT_OK.test(lines[index] ?? '')) return index;
  return lines.length;
}

/** The value of `error:`, in quotes or in the lines below. */
function errorOf(block: readonly string[]): string | undefined {
  const index = block.findIndex((line) => /^\s*error: /.test(line));
  const line = block[index];
  if (line === undefined) return undefined;
  const value = line.trimStart().slice('error: '.length).trim();
  if (!/^[|>]-?$/.test(value)) return unquoted(value);
  const indent = indentOf(line);
  const rest = block.slice(index + 1);
  const end = rest.findIndex((each) => each.trim() !== '' && indentOf(each) <= indent);
  return rest.slice(0, end === -1 ? rest.length : end).join(' ');
}

function unquoted(value: string): string {
  if (/^'.*'$/.test(value)) return value.slice(1, -1).replaceAll("''", "'");
  return /^".*"$/.test(value) ? value.slice(1, -1).replaceAll('\\"', '"') : value;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function comments(lines: readonly string[], start: number): string | undefined {
  const near = lines.slice(start, start + COMMENT_LINES);
  const end = near.findIndex((line) => !line.startsWith('# '));
  const found = near.slice(0, end === -1 ? near.length : end).map((line) => line.slice('# '.length));
  return found.length === 0 ? undefined : found.join(' ');
}
