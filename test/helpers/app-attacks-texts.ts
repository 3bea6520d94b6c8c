import type { AppWorld, State } from './app-world.ts';

/** A text that choo made, and where it stands. */
export interface Text {
  readonly where: string;
  readonly text: string;
}

/** What choo wrote as Markdown: its comments, pull requests, issues and checks. */
export function writtenTexts({ comments, pulls, issues, checks }: State): readonly Text[] {
  return [
    ...comments
      .filter(({ app }) => app !== null)
      .map(({ id, body }) => ({ where: `comment ${id}`, text: body })),
    ...[...pulls, ...issues]
      .filter(({ user }) => user === 'choo[bot]')
      .map(({ number, body }) => ({ where: `body ${number}`, text: body ?? '' })),
    ...checks.flatMap(({ name, output, annotations }) => [
      { where: `title of ${name}`, text: output.title ?? '' },
      { where: `summary of ${name}`, text: output.summary ?? '' },
      { where: `text of ${name}`, text: output.text ?? '' },
      { where: `annotations of ${name}`, text: annotations.map((each) => each['message']).join('\n') },
    ]),
  ];
}

/** Markdown without its code and without what a backslash takes the meaning from. */
export function outsideCode(markdown: string): string {
  const lines: string[] = [];
  let fence: string | undefined;
  for (const line of markdown.split('\n')) {
    const [, ticks = ''] = /^ {0,3}(`{3,})/.exec(line) ?? [];
    if (fence === undefined && ticks !== '') fence = ticks;
    else if (fence === undefined) lines.push(line);
    else if (ticks.length >= fence.length && line.trim() === ticks) fence = undefined;
  }
  return lines.join('\n').replaceAll(/\\[!-/:-@[-`{-~]|(?<!`)(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, '·');
}

/** All that choo's database holds, table by table, as text. */
export async function dumpTables({ server }: AppWorld): Promise<Readonly<Record<string, string>>> {
  const tables = await server.rows(`select tablename as name from pg_tables where schemaname = 'choo'`);
  const dumps = tables.map(async ({ name }) => {
    const rows = await server.rows(`select one::text as row from "${String(name)}" as one`);
    return [String(name), rows.map(({ row }) => row).join('\n')] as const;
  });
  return Object.fromEntries(await Promise.all(dumps));
}
