import { expect, test } from 'vitest';
import { boxLine, tickedBoxes } from '../../../../src/github/commands/boxes.ts';

const [update, resolve] = [boxLine('update'), boxLine('resolve')];
const tick = (line: string): string => line.replace('[ ]', '[x]');

test.each<[string, string, string, readonly string[]]>([
  ['what was open and is ticked', `a\n\n${resolve}\n`, `a\n\n${tick(resolve)}\n`, ['resolve']],
  ['line ends of a browser', `a\r\n${resolve}\r\nb`, `a\r\n${tick(resolve)}\r\nb`, ['resolve']],
  ['each box', `${update}\n${resolve}`, `${tick(update)}\n${tick(resolve)}`, ['update', 'resolve']],
  ['nothing that was ticked before', tick(resolve), tick(resolve), []],
  ['nothing that is open again', tick(resolve), resolve, []],
  ['no box that was not there', '', tick(resolve), []],
  ['no box below choo’s own', `${update}\n\n${update}`, `${update}\n\n${tick(update)}`, []],
  ['no line with anything else', `${resolve} now`, `${tick(resolve)} now`, []],
  ['nothing that was taken away', resolve, '', []],
])('an edit asks for %s', (_, before, after, boxes) => {
  expect(tickedBoxes(before, after)).toEqual(boxes);
});
