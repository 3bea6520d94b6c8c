// Every provider, under the name that users write. A new one is a file beside this one, and a line here.
export { claude } from './claude.ts';
export { codex } from './codex.ts';
export { gemini } from './gemini.ts';
export { opencode } from './opencode.ts';
export { rehearsal } from './rehearsal.ts';
