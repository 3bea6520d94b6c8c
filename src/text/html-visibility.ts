/** A piece of hidden text: the offsets of its first character and after its last, and what it is. */
export interface HiddenPiece {
  readonly start: number;
  readonly end: number;
  readonly what: string;
}

/** Elements that the page does not show, shows as something else, or that end where no reader of Markdown can tell. */
const NEVER_SHOWN: ReadonlySet<string> = new Set(
  'script style template title head textarea iframe noembed noframes xmp plaintext svg math select'.split(
    ' ',
  ),
);
/** Elements across which browsers close no other element. */
const SCOPES: ReadonlySet<string> = new Set('table td th caption marquee object applet'.split(' '));
const FOLDS: ReadonlySet<string> = new Set(['details', 'summary']);

/** Attributes whose values tell nothing. */
const LAYOUT: ReadonlySet<string> = new Set(
  'align valign width height open colspan rowspan start'.split(' '),
);
/** Attributes with an address, which a reader of the page can follow. */
const ADDRESSES: ReadonlySet<string> = new Set(['href', 'src']);

/** How what began ends. */
const ENDS: Readonly<Record<string, string>> = { '<!--': '-->', '<![CDATA[': ']]>', '<?': '?>', '<!': '>' };
const WHATS: Readonly<Record<string, string>> = {
  '<!--': 'an HTML comment',
  '<![CDATA[': 'a CDATA section',
  '<?': 'an HTML instruction',
  '<!': 'an HTML declaration',
};

/** Where in a tag the next character stands, as browsers see it. */
type TagPlace = 'tag' | 'between' | 'name' | 'behind' | 'value' | 'bare' | '"' | "'";

interface Element {
  readonly name: string;
  readonly isNested: boolean;
  readonly isOpen: boolean;
  hasSummary: boolean;
}

type Mode =
  | { readonly kind: 'text' }
  | { readonly kind: 'tag'; at: TagPlace; text: string; readonly chunks: HiddenPiece[] }
  | { readonly kind: 'markup'; readonly opening: string }
  /** Nothing more is shown. */
  | { readonly kind: 'rest'; readonly what: string };

/**
 * What raw HTML hides, in the order of the page: comments, attributes, folded and unshown elements. Where it cannot tell what a
 * browser would do with broken HTML, everything after it counts as hidden. Linear.
 */
export class HtmlVisibility {
  readonly #found: HiddenPiece[];
  #mode: Mode = { kind: 'text' };
  #elements: readonly Element[] = [];

  /** `found`: gets what is hidden in the pieces. */
  constructor(found: HiddenPiece[]) {
    this.#found = found;
  }

  /** Why text that stands here is hidden; undefined when it is shown. */
  get hides(): string | undefined {
    if (this.#mode.kind === 'rest') return this.#mode.what;
    if (this.#mode.kind === 'markup') return WHATS[this.#mode.opening];
    const folds = this.#elements.filter(({ name, isOpen }) => name === 'details' && !isOpen);
    if (folds.length === 0) return undefined;
    const inner = this.#elements.findLast(({ name }) => FOLDS.has(name));
    return folds.length === 1 && inner?.name === 'summary' ? undefined : FOLDED;
  }

  /** Raw HTML ends and Markdown follows. Only a comment reaches over that for certain. */
  endBlock(): void {
    if (this.#mode.kind === 'tag')
      this.#mode = { kind: 'rest', what: 'text behind an HTML tag without its end' };
    if (this.#mode.kind === 'markup' && this.#mode.opening !== '<!--')
      this.#mode = { kind: 'rest', what: `text behind ${WHATS[this.#mode.opening]} without its end` };
  }

  /** Reads a line of raw HTML, or one tag. `at`: its offset in the text. */
  read(html: string, at: number, isNested: boolean): void {
    for (let from = 0; from < html.length;) {
      const mode = this.#mode;
      if (mode.kind === 'rest') {
        this.#hide(at + from, at + html.length, mode.what);
        return;
      }
      if (mode.kind === 'markup') from = this.#readMarkup(html, from, at, mode.opening);
      else if (mode.kind === 'tag') from = this.#readTag(html, from, at, isNested);
      else from = this.#readText(html, from, at);
    }
  }

  #hide(start: number, end: number, what: string): void {
    if (end > start) this.#found.push({ start, end, what });
  }

  #readMarkup(html: string, from: number, at: number, opening: string): number {
    const close = ENDS[opening] ?? '>';
    const found = html.indexOf(close, from);
    const end = found < 0 ? html.length : found + close.length;
    this.#hide(at + from, at + end, WHATS[opening] ?? '');
    if (found >= 0) this.#mode = { kind: 'text' };
    return end;
  }

  #readText(html: string, from: number, at: number): number {
    const mark = html.indexOf('<', from);
    const end = mark < 0 ? html.length : mark;
    const hidden = this.hides;
    if (hidden !== undefined) this.#hide(at + from, at + end, hidden);
    if (mark < 0) return end;
    const opening = Object.keys(ENDS).find((each) => html.startsWith(each, mark));
    if (opening !== undefined) {
      this.#mode = { kind: 'markup', opening };
      this.#hide(at + mark, at + mark + opening.length, WHATS[opening] ?? '');
      return mark + opening.length;
    }
    if (/^<\/?[a-z]/i.test(html.slice(mark, mark + 3)))
      this.#mode = { kind: 'tag', at: 'tag', text: '', chunks: [] };
    else if (hidden !== undefined) this.#hide(at + mark, at + mark + 1, hidden);
    return mark + 1;
  }

  /** Reads a tag, the `<` of which was read, or more of it. */
  #readTag(html: string, from: number, at: number, isNested: boolean): number {
    const mode = this.#mode;
    if (mode.kind !== 'tag') return from;
    let end = from;
    for (; end < html.length; end += 1) {
      const next = placeAfter(mode.at, html[end] ?? '');
      if (next === 'end') break;
      mode.at = next;
    }
    if (end === html.length) mode.at = placeAfter(mode.at, '\n') as TagPlace;
    mode.chunks.push({ start: at + from, end: at + end, what: '' });
    mode.text += `${html.slice(from, end)}\n`;
    if (end === html.length) return end;
    this.#mode = { kind: 'text' };
    this.#closeTag(mode.text, mode.chunks, isNested);
    return end + 1;
  }

  #closeTag(text: string, chunks: readonly HiddenPiece[], isNested: boolean): void {
    const [, slash, written = ''] = /^(\/?)([a-z][^\s/>]*)/i.exec(text) ?? [];
    const name = written.toLowerCase();
    const attributes = text.slice((slash ?? '').length + written.length);
    const hidden = this.hides;
    const [first] = chunks;
    const bare = (slash ?? '').length + written.length;
    if (hidden === undefined && /[^\s/]/.test(attributes) && !areHarmless(attributes))
      for (const { start, end } of chunks)
        this.#hide(
          start === first?.start ? start + bare : start,
          end,
          `attributes of the tag ${name.slice(0, 20)}`,
        );
    if (NEVER_SHOWN.has(name)) this.#mode = { kind: 'rest', what: `text behind the tag ${name}` };
    else if (slash === '/') this.#leave(name, isNested);
    else this.#enter(name, attributes, isNested);
  }

  #enter(name: string, attributes: string, isNested: boolean): void {
    if (!FOLDS.has(name) && !(SCOPES.has(name) && this.#elements.length > 0)) return;
    const parent = this.#elements.at(-1);
    if (name === 'summary') {
      if (parent?.name !== 'details' || parent.hasSummary) return;
      parent.hasSummary = true;
    }
    const isOpen = /(?:^|\s)open(?=[\s=/]|$)/i.test(attributes);
    this.#elements = [
      ...this.#elements.slice(0, MAX_ELEMENTS),
      { name, isNested, isOpen, hasSummary: false },
    ];
    if (this.#elements.length > MAX_ELEMENTS) this.#mode = { kind: 'rest', what: FOLDED };
  }

  #leave(name: string, isNested: boolean): void {
    const index = this.#elements.findLastIndex((element) => element.name === name);
    if (index < 0) return;
    const above = this.#elements.slice(index + 1);
    const isReachable = SCOPES.has(name) || !above.some((element) => SCOPES.has(element.name));
    if (isReachable && (!isNested || this.#elements[index]?.isNested === true))
      this.#elements = this.#elements.slice(0, index);
  }
}

/** https://html.spec.whatwg.org/multipage/parsing.html#tag-name-state and those after it. */
function placeAfter(place: TagPlace, character: string): TagPlace | 'end' {
  if (place === '"' || place === "'") return character === place ? 'between' : place;
  if (character === '>') return 'end';
  const isSpace = /\s/.test(character);
  if (place === 'bare') return isSpace ? 'between' : 'bare';
  if (place === 'value')
    return isSpace ? 'value' : character === '"' || character === "'" ? character : 'bare';
  if (character === '/') return 'between';
  if (place === 'tag') return isSpace ? 'between' : 'tag';
  if (place === 'between') return isSpace ? 'between' : 'name';
  if (character === '=') return 'value';
  return isSpace ? 'behind' : 'name';
}

const FOLDED = 'folded text';
/** Nobody folds deeper. */
const MAX_ELEMENTS = 30;

/** Whether all attributes of a tag tell nothing, or are addresses. */
function areHarmless(attributes: string): boolean {
  const rest = attributes.replaceAll(ATTRIBUTE, (all: string, name: string, a = '', b = '', c = '') => {
    const value = `${a}${b}${c}`;
    const isKnown = LAYOUT.has(name.toLowerCase()) && /^[\w%.-]{0,20}$/.test(value);
    const isAddress = ADDRESSES.has(name.toLowerCase()) && /^\S{0,300}$/.test(value);
    return isKnown || isAddress ? ' ' : all;
  });
  return /^[\s/]*$/.test(rest);
}

const ATTRIBUTE = /(?<=\s)([a-z]+)(?:\s?=\s?(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?(?=[\s/]|$)/gi;
