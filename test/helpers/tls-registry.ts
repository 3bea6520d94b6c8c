import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryDirectory } from './temporary-directory.ts';

/** A registry of npm whose certificate only who has its file trusts, with one package. */
export interface TlsRegistry extends AsyncDisposable {
  /** `https://127.0.0.1:<port>` */
  readonly address: string;
  /** The text of its certificate. */
  readonly certificate: string;
  /** The name of its package. */
  readonly packageName: string;
  /** The headers of what was asked with a credential. */
  readonly credentials: readonly string[];
}

/** Starts one; its `left` package of version 1.0.0 exports `true`. */
export async function startTlsRegistry(): Promise<TlsRegistry> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await temporaryDirectory());
  const [key, file] = [join(place.path, 'key.pem'), join(place.path, 'certificate.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await execa('openssl', ['req', ...kind, '-keyout', key, '-out', file, ...subject]);
  const directory = join(place.path, 'package');
  await mkdir(directory);
  const manifest = { name: 'left', version: '1.0.0', main: 'index.js' };
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(directory, 'index.js'), 'module.exports = true;\n');
  await execa('tar', ['-czf', 'left.tgz', 'package'], { cwd: place.path });
  const tarball = await readFile(join(place.path, 'left.tgz'));
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;

  const credentials: string[] = [];
  const certificate = await readFile(file, 'utf8');
  const server = createServer({ key: await readFile(key), cert: certificate }, (request, response) => {
    if (request.headers.authorization !== undefined) credentials.push(request.headers.authorization);
    if (request.url === '/left/-/left.tgz') return response.end(tarball);
    if (request.url !== '/left') return response.writeHead(404).end();
    const dist = { tarball: `${address}/left/-/left.tgz`, integrity };
    response.setHeader('content-type', 'application/json');
    return response.end(
      JSON.stringify({
        name: 'left',
        'dist-tags': { latest: '1.0.0' },
        versions: { '1.0.0': { ...manifest, dist } },
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  stack.defer(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const kept = stack.move();
  return {
    address,
    certificate,
    packageName: 'left',
    credentials,
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}
