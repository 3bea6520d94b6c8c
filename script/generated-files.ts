import { statusJsonSchema } from '../src/cli/views/status-schema.ts';
import { PROTECTION_TABLE } from '../src/config/protection/table.ts';
import { configJsonSchema } from '../src/config/schema.ts';
import { settingsSchema } from '../src/config/settings.ts';
import { listConfigKeys } from '../src/config/template.ts';
import { eventJsonSchema } from '../src/events/event.ts';
import { USAGE } from '../src/github/commands/commands.ts';
import { planJsonSchema } from '../src/plan/schema.ts';
import type { CodeEntry } from '../src/problems/code-entry.ts';
import { CODE_AREAS } from '../src/problems/codes.ts';
import { PROVIDERS } from '../src/provider/by-name.ts';
import { installationHint } from '../src/provider/provider.ts';
import { SHOWN_OF_ETC } from '../src/sandbox/machine/system-view.ts';

/** The files that are generated from code: by path from the root, a function from the present text to the right one. */
export const generatedFiles: ReadonlyMap<string, (before: string) => string> = new Map([
  ['schema/choo.schema.json', () => `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`],
  ['schema/plan.schema.json', () => `${JSON.stringify(planJsonSchema(), undefined, 2)}\n`],
  ['schema/status.schema.json', () => `${JSON.stringify(statusJsonSchema(), undefined, 2)}\n`],
  ['schema/event.schema.json', () => `${JSON.stringify(eventJsonSchema(), undefined, 2)}\n`],
  ['README.md', (before: string) => replaceBetween(before, 'commands', commandTable())],
  ['docs/checks.md', (before: string) => replaceBetween(before, 'checks', checkTables())],
  [
    'docs/configuration.md',
    (before: string) =>
      replaceBetween(
        replaceBetween(before, 'configuration keys', configTable()),
        'providers',
        providerTable(),
      ),
  ],
  ['docs/protection.md', (before: string) => replaceBetween(before, 'protected paths', protectionTables())],
  ['docs/sandbox.md', (before: string) => replaceBetween(before, 'of etc', etcTable())],
  ['docs/github-app.md', (before: string) => replaceBetween(before, 'commands', commandTable())],
  ['docs/operations.md', (before: string) => replaceBetween(before, 'settings', settingsTable())],
]);

function configTable(): string {
  const rows = listConfigKeys().map(
    ({ path, type, standard, description }) =>
      `| \`${path}\` | ${type.replaceAll('|', '\\|')} | ${standard === undefined ? '' : `\`${standard}\``} | ${description} |`,
  );
  return ['| key | type | default | what it does |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function etcTable(): string {
  const rows = SHOWN_OF_ETC.map(({ paths, reason }) => `| ${reason} | \`${paths.join('` `')}\` |`);
  return ['| for | below `/etc` |', '| --- | --- |', ...rows].join('\n');
}

/** A table for each level, strictest first. */
function protectionTables(): string {
  const titles = { restore: 'Put back', ask: 'A person must agree', tell: 'Told' } as const;
  return Object.entries(titles)
    .map(([level, title]) => {
      const rows = PROTECTION_TABLE.filter((entry) => entry.level === level).map(
        ({ what, names, source }) =>
          `| [${what}](${source}) | ${names.replaceAll(/\S+/g, (name) => `\`${name}\``)} |`,
      );
      return [
        `### ${title}: \`${level}\``,
        '',
        '| whose | files and directories |',
        '| --- | --- |',
        ...rows,
      ].join('\n');
    })
    .join('\n\n');
}

function providerTable(): string {
  const rows = Object.values(PROVIDERS).map((provider) => {
    const { name, title, authentication, steeredBy } = provider;
    const how = installationHint(provider);
    const install = typeof provider.installation === 'string' ? how : `\`${how}\``;
    const steers = steeredBy.map((file) => `\`${file}\``).join(', ');
    return `| \`${name}\` | ${title} | ${install} | ${authentication} | ${steers} |`;
  });
  return [
    '| provider | agent | how to install it | how it signs in | instruction files |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** A table for each area; the name of a code is an anchor, so that `docs/checks.md#unit-cycle` leads to its row. */
function checkTables(): string {
  return Object.entries(CODE_AREAS)
    .map(([area, codes]) => {
      const rows = Object.entries<CodeEntry>(codes).map(
        ([code, { levels, meaning, cure, example }]) =>
          `| <a id="${code}"></a>\`${code}\` | ${levels.join(', ')} | ${meaning}${example === undefined ? '' : `<br>*${example}*`} | ${cure} |`,
      );
      return [
        `## ${area}`,
        '',
        '| code | level | what it means | what to do |',
        '| --- | --- | --- | --- |',
        ...rows,
      ];
    })
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function commandTable(): string {
  const rows = USAGE.map(({ form, meaning }) => `| \`${form}\` | ${meaning} |`);
  return ['| Command | What it does |', '| --- | --- |', ...rows].join('\n');
}

/** A default that depends on the machine is in words at the end of the description, so that the table is the same everywhere. */
function settingsTable(): string {
  const rows = Object.entries(settingsSchema.shape).map(([name, setting]) => {
    const [, purpose = '', inWords] = /^(.*?)(?: Default: (.*)\.)?$/.exec(setting.description ?? '') ?? [];
    const { data } = setting.safeParse(undefined);
    const known = data === undefined ? '' : typeof data === 'object' ? 'none' : `\`${data}\``;
    return `| \`${name}\` | ${inWords ?? known} | ${purpose} |`;
  });
  return ['| variable | default | what it is for |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Replaces the text between `<!-- begin NAME -->` and `<!-- end NAME -->`. Throws when the text has no such markers. */
function replaceBetween(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the text has no \`${begin}\` and \`${end}\``);
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
}
