// Every provider, by its name. A new provider is a file in this directory and a line here.
export { claude } from './claude.ts';
export { codex } from './codex.ts';
export { gemini } from './gemini.ts';
export { opencode } from './opencode.ts';
export { rehearsal } from './rehearsal.ts';
