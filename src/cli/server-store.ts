import { hostname, userInfo } from 'node:os';
import { readSettings, type Settings } from '../config/settings.ts';
import { openServerStore, type ServerStore } from '../store/server-store.ts';

/** The store of the server on this machine, for one command. */
export async function openStore(settings: Settings = readSettings()): Promise<ServerStore> {
  return openServerStore({
    url: settings.DATABASE_URL,
    dataDirectory: settings.CHOO_DATA_DIR,
    name: 'choo command',
    size: 3,
    supervise: false,
    onError: () => {}, // the statement that needed it says so
  });
}

/** Who asks, when it is somebody at a terminal. */
export function terminalActor(): string {
  return `${userInfo().username}@${hostname()}`;
}
