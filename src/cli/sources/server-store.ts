import { hostname, userInfo } from 'node:os';
import { readSettings, type Settings } from '../../config/settings.ts';
import { type DatabaseOptions, type OpenDatabase, openServerDatabase } from '../../store/server-database.ts';
import { openServerStore, type ServerStore } from '../../store/server-store.ts';

/** The store of the server on this machine, for one command. `tables`: what to do where they are not up to date. */
export async function openStore(
  settings: Settings = readSettings(),
  tables: 'migrate' | 'require' = 'require',
): Promise<ServerStore> {
  return openServerStore({ ...databaseOptions(settings), tables });
}

/** Its database alone, as it is. */
export async function openUnmigratedDatabase(settings: Settings): Promise<OpenDatabase> {
  return openServerDatabase(databaseOptions(settings));
}

function databaseOptions({ DATABASE_URL, CHOO_DATA_DIR }: Settings): DatabaseOptions {
  return {
    url: DATABASE_URL,
    dataDirectory: CHOO_DATA_DIR,
    name: 'choo command',
    size: 3,
    onError: () => {}, // the statement that needed it says so
  };
}

/** Who asks, when it is somebody at a terminal. */
export function terminalActor(): string {
  return `${userInfo().username}@${hostname()}`;
}
