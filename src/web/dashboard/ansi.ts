import { spellOutHidden } from '../../text/hidden-text.ts';
import { stripSequences } from '../../text/terminal-sequences.ts';
import { html, type Markup } from './markup.ts';

/** A sequence that sets colours and weights ("select graphic rendition", ECMA-48). Nothing else of a terminal is rendered. */
const STYLE_SEQUENCE = /\u001b\[([0-9;]{0,40})m/;

/** The colours of a terminal, by the last digit of their codes. */
const COLORS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

interface Style {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly color: string | undefined;
}

const PLAIN: Style = { bold: false, dim: false, color: undefined };

/**
 * Text of an agent or a command as HTML: colours become classes of the style sheet, every other sequence is left out, characters
 * that a reader would not see are spelled out, and all else is text. Nothing in it becomes a link, an attribute or an element.
 * Linear.
 */
export function renderTerminalText(text: string): Markup {
  let style = PLAIN;
  const lines = text.split('\n').map((line) => {
    const parts = line.replace(/\r$/, '').split(STYLE_SEQUENCE);
    return parts.map((part, index) => {
      if (index % 2 === 1) style = styleAfter(style, part);
      return index % 2 === 1 ? '' : renderPart(part, style);
    });
  });
  return html`${lines.map((line, index) => (index === 0 ? line : ['\n', ...line]))}`;
}

function renderPart(part: string, { bold, dim, color }: Style): Markup | string {
  const shown = spellOutHidden(stripSequences(part));
  const names = [bold && 'bold', dim && 'dim', color !== undefined && `ansi-${color}`].filter(Boolean);
  return shown === '' || names.length === 0 ? shown : html`<span class="${names.join(' ')}">${shown}</span>`;
}

/** The style after the numbers of one sequence. Colours of 256 or more are left out with their numbers. */
function styleAfter(before: Style, numbers: string): Style {
  const codes = numbers.split(';').map(Number);
  let style = before;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    style = styleAfterCode(style, code);
    if (code === 38 || code === 48) at += codes[at + 1] === 2 ? 4 : 2;
  }
  return style;
}

function styleAfterCode(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 38 || code === 39) return { ...style, color: undefined };
  const isColor = (code >= 30 && code <= 37) || (code >= 90 && code <= 97);
  return isColor ? { ...style, color: COLORS[code % 10] } : style;
}
