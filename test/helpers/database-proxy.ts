import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Stands between choo and its database, and can be made to fail as networks do. */
export interface DatabaseProxy extends AsyncDisposable {
  /** The directory of its socket. */
  readonly host: string;
  /** From now on nothing gets through and nobody is told, until `mend`. */
  readonly silence: () => void;
  /** Breaks every connection, and lets none be made until `mend`. */
  readonly cut: () => void;
  readonly mend: () => void;
}

const SOCKET = '.s.PGSQL.5432';

/** A proxy for the server whose socket is in this directory. */
export async function openDatabaseProxy(host: string): Promise<DatabaseProxy> {
  const directory = await mkdtemp(join(tmpdir(), 'proxy-'));
  const sockets = new Set<Socket>();
  let state: 'open' | 'silent' | 'cut' = 'open';
  const server = createServer((client) => {
    if (state === 'cut') {
      client.destroy();
      return;
    }
    const upstream = connect(join(host, SOCKET));
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (data) => {
        if (state === 'open') to.write(data);
      });
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(join(directory, SOCKET), resolve));
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: directory,
    silence: () => (state = 'silent'),
    cut: () => {
      state = 'cut';
      breakAll();
    },
    mend: () => {
      // What was swallowed cannot be made up for.
      if (state === 'silent') breakAll();
      state = 'open';
    },
    [Symbol.asyncDispose]: async () => {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
