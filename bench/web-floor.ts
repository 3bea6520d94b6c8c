// The floor of the dashboard's benchmark: a bare server of server-sent events. Each line of its input is the number of an event;
// at most four times a second every reader is sent the last one, in a message of so many bytes. Prints its port.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

const PAUSE_MS = 250;
const rest = 'x'.repeat(Number(process.argv[2] ?? 0));
const readers = new Set<ServerResponse>();
let last = '0';
let timer: NodeJS.Timeout | undefined;
let sentAt = Number.NEGATIVE_INFINITY;

const send = (): void => {
  timer = undefined;
  sentAt = performance.now();
  for (const reader of readers) reader.write(`id: ${last}\nevent: parts\ndata: ${rest}\n\n`);
};

createInterface({ input: process.stdin })
  .on('line', (line) => {
    last = line;
    timer ??= setTimeout(send, Math.max(0, sentAt + PAUSE_MS - performance.now()));
  })
  .on('close', () => process.exit(0));

const server = createServer((request, response) => {
  request.socket.setNoDelay();
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  readers.add(response);
  response.once('close', () => readers.delete(response));
});
server.listen(0, '127.0.0.1', () => console.log(String((server.address() as AddressInfo).port)));
