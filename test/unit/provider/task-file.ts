import { parseTask } from '../../../src/discovery/parse.ts';
import type { SpecFile } from '../../../src/discovery/unit.ts';
import { taskText } from '../../helpers/memory-tree.ts';

/** A task's file with this body, as discovery reads it. */
export function taskFile(body: string): SpecFile {
  const path = 'specs/tasks/hello/01-hello.md';
  const { value, problems } = parseTask(path, new TextEncoder().encode(taskText({}, body)));
  if (value === undefined) throw new Error(JSON.stringify(problems));
  return value.file;
}
