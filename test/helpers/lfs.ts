import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { contentPath, type Pointer, pointerText } from '../../src/git/lfs/pointer.ts';

/** The pointer to a content, and its text. */
export function pointerTo(content: string | Uint8Array): Pointer & { readonly text: string } {
  const bytes = Buffer.from(content);
  const pointer = { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
  return { ...pointer, text: pointerText(pointer) };
}

/** Puts contents where Git LFS keeps those of a repository: `directory` is its `.git`. */
export async function storeContents(directory: string, ...contents: readonly string[]): Promise<void> {
  for (const content of contents) {
    const path = contentPath(`${directory}/lfs/objects`, pointerTo(content));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}

/** A host of contents. `answers` decides what it sends for each, by name. */
interface LfsServer extends AsyncDisposable {
  /** As a remote. */
  readonly remote: string;
  /** `METHOD path authorization`, in order. */
  readonly requests: readonly string[];
}

/** Starts a host that has these contents, under the names of others where `sends` says so. */
export async function startLfsServer(
  contents: readonly string[],
  {
    sends = (content) => content,
    action = (href) => ({ href }),
  }: {
    readonly sends?: (content: string) => string;
    readonly action?: (href: string) => object | undefined;
  } = {},
): Promise<LfsServer> {
  const byOid = new Map(contents.map((content) => [pointerTo(content).oid, content]));
  const requests: string[] = [];
  let origin = '';
  const server = createServer((request, response) => {
    const { method, url = '', headers } = request;
    requests.push(`${method} ${url.replace(/[0-9a-f]{64}/, 'OID')} ${headers.authorization ?? '-'}`);
    if (url === '/elsewhere') {
      response.writeHead(302, { location: `${origin}/stolen` }).end();
      return;
    }
    const content = byOid.get(url.slice('/content/'.length));
    if (method === 'GET') {
      response.writeHead(content === undefined ? 404 : 200).end(sends(content ?? ''));
      return;
    }
    let body = '';
    request.on('data', (part) => (body += String(part)));
    request.on('end', () => {
      const { objects } = JSON.parse(body) as { readonly objects: readonly Pointer[] };
      const answer = objects.map(({ oid, size }) => {
        const download = byOid.has(oid) ? action(`${origin}/content/${oid}`) : undefined;
        return {
          oid,
          size,
          ...(download === undefined
            ? { error: { code: 404, message: 'no such object' } }
            : { actions: { download } }),
        };
      });
      response.writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' });
      response.end(JSON.stringify({ transfer: 'basic', objects: answer }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    remote: `${origin}/owner/name`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
