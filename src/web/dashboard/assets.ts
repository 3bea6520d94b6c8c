import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const FILES = {
  'dashboard.css': [fileURLToPath(new URL('./assets/dashboard.css', import.meta.url)), 'text/css'],
  'dashboard.js': [fileURLToPath(new URL('./assets/dashboard.js', import.meta.url)), 'text/javascript'],
  'icon.svg': [fileURLToPath(new URL('./assets/icon.svg', import.meta.url)), 'image/svg+xml'],
} as const;

type Asset = keyof typeof FILES;

/** The files that pages name. */
export const ASSETS = Object.keys(FILES) as readonly Asset[];

/** Reads one, each time: they are small, and a browser asks seldom. */
export async function readAsset(name: Asset): Promise<{ readonly type: string; readonly text: string }> {
  const [path, type] = FILES[name];
  return { type: `${type}; charset=utf-8`, text: await readFile(path, 'utf8') };
}
