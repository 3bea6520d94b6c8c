// Writes the files that are generated from code: the JSON Schemas and the tables in the documentation. A test fails when
// one of them is out of date. `npm run generate`
import { readFileSync, writeFileSync } from 'node:fs';
import { generatedFiles } from './generated-files.ts';

for (const [path, render] of generatedFiles) {
  const file = new URL(`../${path}`, import.meta.url);
  let before = '';
  try {
    before = readFileSync(file, 'utf8');
  } catch {
    // The file does not exist yet.
  }
  const after = render(before);
  if (after === before) continue;
  writeFileSync(file, after);
  console.log(`wrote ${path}`);
}
