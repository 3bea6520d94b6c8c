import type { Problem } from '../../problems/problem.ts';
import { printable } from '../../text/terminal-layout.ts';

/** A problem as a GitHub workflow command, which the workflow's page shows as an annotation. Ends with a line feed. */
export function renderAnnotation({
  severity,
  file,
  line,
  column,
  code,
  message,
  got,
  hint,
}: Problem): string {
  const text = [
    printable(message) + (got === undefined ? '' : ` (got \`${printable(got)}\`)`),
    ...(hint === undefined ? [] : [`hint: ${printable(hint)}`]),
  ].join('\n');
  const place = `file=${escapeProperty(printable(file))},line=${line},col=${column},title=${escapeProperty(`choo: ${code}`)}`;
  return `::${severity} ${place}::${escapeData(text)}\n`;
}

// The runner's own escapes: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
