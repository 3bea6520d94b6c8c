import { runTool } from '../system/run-program.ts';
import { OWN_SIGNATURE, type Person, type Signature } from './objects/commit.ts';

/** The variables by which a user tells git of an identity, or where its settings are. */
export const IDENTITY_VARIABLES = [
  'GIT_AUTHOR_NAME',
  'GIT_AUTHOR_EMAIL',
  'GIT_COMMITTER_NAME',
  'GIT_COMMITTER_EMAIL',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
  'HOME',
  'XDG_CONFIG_HOME',
] as const;

/** Time limit of git's answer. Milliseconds. */
const LIMIT_MS = 10_000;

/**
 * The identity that git would use for the user's own commits in a repository, from `environment` and the user's settings; a name
 * that git would guess from the machine is none. choo's own where there is none. Never rejects: no run fails for it.
 *
 * Unlike {@link openGit} this reads the user's settings, by a command that starts no other program.
 */
export async function readUserSignature(
  directory: string,
  searchPath: string,
  environment: Readonly<Record<string, string>>,
): Promise<Signature> {
  const read = async (variable: 'GIT_AUTHOR_IDENT' | 'GIT_COMMITTER_IDENT'): Promise<Person | undefined> => {
    const { exitCode, output } = await runTool({
      argv: ['git', '-c', 'user.useConfigOnly=true', 'var', variable],
      cwd: directory,
      env: { ...environment, PATH: searchPath, LC_ALL: 'C' },
      limitMs: LIMIT_MS,
    });
    const [name = '', rest = ''] = (output.split('\n').find((line) => line.includes('> ')) ?? '').split(' <');
    const [email = ''] = rest.split('> ');
    return exitCode === 0 && name !== '' && email !== '' ? { name, email } : undefined;
  };
  const [author, committer] = await Promise.all([read('GIT_AUTHOR_IDENT'), read('GIT_COMMITTER_IDENT')]);
  return author === undefined || committer === undefined ? OWN_SIGNATURE : { author, committer };
}
