import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { KnownSenders } from './known-senders.ts';

/** More than GitHub comes with at once. One that has nothing to say holds about 10 KiB. */
const MAX_CONNECTIONS = 2_048;

/**
 * Bounds the connections of a server. When there are too many, the oldest from where no valid delivery has come is ended,
 * else the oldest: who holds one for long loses it to who comes, delivers and goes.
 */
export function limitConnections(server: Server, known: KnownSenders): void {
  const [strangers, others] = [new Set<Socket>(), new Set<Socket>()];
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket) => {
    const open = known.has(socket.remoteAddress) ? others : strangers;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    if (strangers.size + others.size < MAX_CONNECTIONS) return;
    const [oldest] = [...strangers.values().take(1), ...others.values().take(1)];
    oldest?.destroy();
    if (oldest !== undefined && !strangers.delete(oldest)) others.delete(oldest);
  });
}
