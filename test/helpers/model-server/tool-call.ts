import { isAbsolute, join } from 'node:path';
import type { Conversation, Json, Tool } from './conversation.ts';
import type { Step } from './script.ts';

/** A call of one of the tools that the CLI offers. A custom tool takes text, a function takes fields. */
export interface ToolCall {
  readonly tool: Tool;
  readonly input: Json | string;
}

/** The call that does what a step says; undefined for a step that calls nothing. */
export function toolCall(step: Step, conversation: Conversation): ToolCall | undefined {
  if ('bash' in step) return shellCall(step.bash, conversation);
  if (!('write' in step)) return undefined;
  const { path, content } = step.write;
  const tool = conversation.tools.find(({ name }) => name === 'Write');
  // It takes absolute paths only.
  const absolute = isAbsolute(path) ? path : conversation.cwd && join(conversation.cwd, path);
  if (tool !== undefined && absolute !== undefined) return { tool, input: { file_path: absolute, content } };
  const command = `mkdir -p "$(dirname ${quote(path)})" && printf %s ${quote(content)} > ${quote(path)}`;
  return shellCall(command, conversation);
}

/** How each shell tool is called, by its name. */
const SHELLS: Readonly<Record<string, (command: string) => Json | string>> = {
  Bash: (command) => ({ command, description: 'a step of the script' }),
  exec_command: (cmd) => ({ cmd }),
  shell: (command) => ({ command: ['bash', '-c', command] }),
  // Takes JavaScript, which calls the tool of the name above.
  exec: (cmd) => `text(await tools.exec_command(${JSON.stringify({ cmd })}));`,
};

function shellCall(command: string, { tools }: Conversation): ToolCall {
  const tool = tools.find(({ name }) => Object.hasOwn(SHELLS, name));
  const input = tool && SHELLS[tool.name]?.(command);
  if (tool === undefined || input === undefined) {
    throw new Error(`no shell among the tools ${tools.map(({ name }) => name).join(', ')}`);
  }
  return { tool, input };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
