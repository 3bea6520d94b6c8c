import { expect } from 'vitest';
import type { Server } from './server-project.ts';

/** Waits until a run has ended; its status. Asks the database: a `choo status` takes half a second of processor time. */
export async function ended({ rows }: Pick<Server, 'rows'>, run: string): Promise<string> {
  const read = async (): Promise<string> => {
    const [row] = await rows(`select status from runs where id = '${run}'`).catch(() => []);
    return typeof row?.['status'] === 'string' ? row['status'] : 'running';
  };
  await expect.poll(read, { interval: 100, timeout: 60_000 }).not.toMatch(/running|waiting/);
  return read();
}
