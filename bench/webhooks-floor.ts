// The floor of the webhook benchmark: a bare Probot app that answers and does nothing. Started with PORT-less settings on
// the command line; prints its port.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { createNodeMiddleware, Probot } from 'probot';

const { appId, privateKey, secret } = JSON.parse(process.argv[2] ?? '{}') as Readonly<Record<string, string>>;
const probot = new Probot({
  appId: appId ?? '',
  privateKey: privateKey ?? '',
  secret: secret ?? '',
  log: pino({ level: 'silent' }),
});
const middleware = await createNodeMiddleware(
  (app) => {
    app.onAny(() => {});
  },
  { probot, webhooksPath: '/api/github/webhooks' },
);
const server = createServer((request, response) => void middleware(request, response));
server.listen(0, '127.0.0.1', () => console.log(String((server.address() as AddressInfo).port)));
process.stdin.on('end', () => process.exit(0)).resume();
