import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { KnownSenders } from './known-senders.ts';

/** More than GitHub opens at once. An idle connection takes about 10 KiB. */
const MAX_CONNECTIONS = 2_048;

/**
 * Bounds the connections of a server. When there are too many, closes the oldest one of an unknown sender, otherwise the
 * oldest: a client that keeps connections open loses them to one that connects, delivers and leaves.
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
