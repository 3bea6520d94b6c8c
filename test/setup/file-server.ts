import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A directory over HTTP, as a registry: directories are lists of links. */
export interface FileServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: () => number;
}

export async function serveFiles(directory: string): Promise<FileServer> {
  let requests = 0;
  const answer = async (url: string, response: ServerResponse): Promise<void> => {
    try {
      const path = join(directory, decodeURIComponent(url.split('?')[0] ?? ''));
      if (!(await stat(path)).isDirectory()) return void response.end(await readFile(path));
      response.setHeader('content-type', 'text/html');
      response.end((await readdir(path)).map((name) => `<a href="${name}">${name}</a>`).join('\n'));
    } catch {
      response.writeHead(404).end();
    }
  };
  const server = createServer((request, response) => {
    requests += 1;
    void answer(request.url ?? '/', response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
