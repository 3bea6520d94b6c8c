import { expect, test } from 'vitest';
import { runChoo } from '../helpers/run-choo.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const WIDTH = 80;

/** The names below `Commands:`. */
function commandsOf(help: string): string[] {
  const [, list = ''] = help.split(/^Commands:$/m);
  const [names = ''] = list.split('\n\n');
  return [...names.matchAll(/^ {2}([a-z]+)/gm)]
    .map(([, name]) => name ?? '')
    .filter((name) => name !== 'help');
}

/** Lines of running text that end although the first word of the next one would have fitted. */
function brokenEarly(help: string): string[] {
  const lines = help.split('\n');
  return lines.filter((line, at) => {
    const next = lines[at + 1] ?? '';
    const [word = ''] = next.split(' ');
    const isText = /^\S/.test(line) && /^\S/.test(next) && !/[.:]$/.test(line);
    return isText && line.length + 1 + word.length <= WIDTH;
  });
}

test('help fits 80 columns, and breaks a sentence only where a line is full', async () => {
  await using place = await temporaryDirectory();
  const helpOf = async (...names: string[]): Promise<string> => {
    const { stdout, exitCode } = await runChoo(place.path, [...names, '--help']);
    expect(exitCode).toBe(0);
    return stdout;
  };
  const all = await helpOf();
  const pages = new Map([['choo', all]]);
  for (const name of commandsOf(all)) {
    const help = await helpOf(name);
    pages.set(name, help);
    for (const below of commandsOf(help)) pages.set(`${name} ${below}`, await helpOf(name, below));
  }
  expect(pages.size).toBeGreaterThan(16); // else the list was not read
  const wide = [...pages].flatMap(([name, help]) =>
    help.split('\n').flatMap((line) => (line.length > WIDTH ? [`${name}: ${line}`] : [])),
  );
  const broken = [...pages].flatMap(([name, help]) => brokenEarly(help).map((line) => `${name}: ${line}`));
  expect({ wide, broken }).toEqual({ wide: [], broken: [] });
});
