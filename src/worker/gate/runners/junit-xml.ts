import { placeOfJava } from './crash.ts';
import { say } from './message.ts';
import { firstPlace, toPlace } from './place.ts';
import type { TestCounts } from '../../../events/command-end.ts';
import { readTrace } from './pytest.ts';
import type { Runner } from './runner.ts';

/** Maximum length of one tag, and of the text in an element. UTF-16 code units. */
const TAG = 20_000;
const BODY = 8_000;
const MAX_TRACE = 120;

/** A report in JUnit's XML, as Maven Surefire, Gradle, pytest, PHPUnit and others write it. */
export const junitXml: Runner = {
  name: 'JUnit XML',
  find: ({ text, lines }) => {
    if (!text.includes('<testcase')) return undefined;
    const at = findElement(text, ['failure', 'error'], 0);
    if (at === undefined) return undefined;
    const tag = readTag(text, at);
    const test = readTag(text, text.lastIndexOf('<testcase', at));
    const body = tag.isClosed ? '' : bodyOf(text, tag.end);
    const first = body
      .split('\n')
      .map((line) => line.trim())
      .find((line) => line !== '');
    const [name = '', owner] = [test.attributes.get('name'), test.attributes.get('classname')];
    const file = test.attributes.get('file');
    const trace = body.split('\n').slice(0, MAX_TRACE);
    const python = trace.some((line) => /^E\s/.test(line)) ? readTrace(trace) : undefined;
    const place =
      python?.place ??
      placeOfJava(trace) ??
      (python === undefined ? firstPlace(trace) : undefined) ??
      toPlace(file, test.attributes.get('line'));
    const told = tag.attributes.get('message');
    const message =
      python?.message ?? (told === undefined || told === '' ? (first ?? tag.attributes.get('type')) : told);
    const title = owner === undefined || owner === '' || name.includes(owner) ? name : `${owner}.${name}`;
    return {
      text: say(title, message),
      place,
      end: text.slice(0, text.lastIndexOf('</test')).split('\n', lines.length).length - 1,
    };
  },
  count: ({ text }) => countCases(text),
};

/** Counts the test cases of a report. Linear. */
function countCases(text: string): TestCounts | undefined {
  if (!text.includes('<testcase')) return undefined;
  let [passed, failed, skipped] = [0, 0, 0];
  let at = text.indexOf('<testcase');
  while (at !== -1) {
    const next = text.indexOf('<testcase', at + 1);
    const content = text.slice(at, next === -1 ? text.length : next);
    if (findElement(content, ['failure', 'error'], 0) !== undefined) failed += 1;
    else if (findElement(content, ['skipped'], 0) === undefined) passed += 1;
    else skipped += 1;
    at = next;
  }
  return { passed, failed, skipped };
}

/** Where the first element with one of these names begins. */
function findElement(text: string, names: readonly string[], from: number): number | undefined {
  const found = names.flatMap((name) => {
    const open = `<${name}`;
    let at = text.indexOf(open, from);
    while (at !== -1 && !/[\s/>]/.test(text[at + open.length] ?? '')) at = text.indexOf(open, at + 1);
    return at === -1 ? [] : [at];
  });
  return found.length === 0 ? undefined : Math.min(...found);
}

interface Tag {
  readonly attributes: ReadonlyMap<string, string>;
  readonly end: number;
  readonly isClosed: boolean;
}

/** Reads the tag that begins at `at`: its attributes may hold `>`. */
function readTag(text: string, at: number): Tag {
  const attributes = new Map<string, string>();
  if (at === -1) return { attributes, end: 0, isClosed: true };
  const near = text.slice(at, at + TAG);
  let index = near.search(/[\s/>]/);
  while (index !== -1 && index < near.length && near[index] !== '>') {
    const equals = near.indexOf('=', index);
    const close = near.indexOf('>', index);
    if (equals === -1 || (close !== -1 && close < equals)) {
      index = close;
      break;
    }
    const quote = near[equals + 1] ?? '';
    const end = quote === '"' || quote === "'" ? near.indexOf(quote, equals + 2) : -1;
    if (end === -1) break;
    attributes.set(
      near
        .slice(index, equals)
        .replace(/^[\s/]+/, '')
        .trim(),
      decode(near.slice(equals + 2, end)),
    );
    index = end + 1;
  }
  const end = index === -1 ? near.length : index;
  return { attributes, end: at + end + 1, isClosed: near[end - 1] === '/' };
}

function bodyOf(text: string, from: number): string {
  const body = text.slice(from, from + BODY);
  const data = body.indexOf('<![CDATA[');
  if (data !== -1 && body.slice(0, data).trim() === '') {
    const end = body.indexOf(']]>', data);
    return body.slice(data + 9, end === -1 ? body.length : end);
  }
  const end = body.indexOf('</');
  return decode(end === -1 ? body : body.slice(0, end));
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function decode(text: string): string {
  return text.replaceAll(
    /&(?:(lt|gt|quot|apos|amp)|#(x?[\da-fA-F]{1,6}));/g,
    (whole, name: string | undefined, number: string | undefined) => {
      if (name !== undefined) return ENTITIES[name] ?? whole;
      const code = Number(number?.startsWith('x') === true ? `0${number}` : number);
      return code === 10 || code === 13
        ? '\n'
        : code >= 32 && code <= 0xff_ff
          ? String.fromCharCode(code)
          : ' ';
    },
  );
}
