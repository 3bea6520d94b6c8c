import { join } from 'node:path';
import type { Execution, Fetching, Sandbox, SandboxPaths } from '../sandbox.ts';
import { type Fetcher, fetchersOf } from './fetchers.ts';
import type { Network } from './network.ts';
import { NPMRC } from './registries.ts';

/** How long an answer of a registry is waited for. Milliseconds. */
const ANSWER_MS = 5_000;
/** The same with the start of the program that asks, on a loaded machine. Milliseconds. */
const TOTAL_MS = 30_000;
/** Maximum addresses that are asked because a project's own files name them. */
const MAX_OWN = 10;

/**
 * Asks an address, and those that the files name which a project's own registry stands in. Prints the code of why the first was
 * not reached; nothing where one of them was, whatever it answered.
 */
const ASK = `const { readFile } = require('node:fs/promises');
const [address, ...files] = process.argv.slice(1);
const ask = async (url) => {
  const at = new URL(url);
  at.username = at.password = '';
  await fetch(at, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(${ANSWER_MS}) });
};
const asked = ask(address);
const others = Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => ''))).then((texts) =>
  Promise.any(texts.flatMap((text) => text.match(/https?:\\/\\/[^\\s"'<>]+/g) ?? []).slice(0, ${MAX_OWN}).map(ask)));
Promise.any([asked, others]).then(() => process.exit(0), () => asked.catch((error) => {
  let code = error.name === 'TimeoutError' ? 'ETIMEDOUT' : '';
  for (let at = error; at; at = at.cause) {
    if (/\\b407\\b/.test(at.message)) code = 'PROXY_407';
    else code ||= at.code ?? at.errors?.[0]?.code ?? '';
  }
  console.log('\\n' + (code || 'UNKNOWN'));
  process.exit(0);
}));`;

/**
 * Finds out why a set-up command cannot reach what it fetches from, by asking its registry once from the sandbox, as the tool
 * would: a sentence that names the variable to set. Undefined where it can, or names no tool that is known to fetch.
 */
export async function findNoWayOut(
  sandbox: Pick<Sandbox, 'exec'>,
  workplace: SandboxPaths,
  { command, cwd, signal }: Fetching,
  { nodePath, network }: { readonly nodePath: string; readonly network: Network },
): Promise<string | undefined> {
  const found = await Promise.all(
    fetchersOf(command).map(async ({ word, fetcher }) => {
      const address = registryOf(fetcher, network);
      if (address === undefined) return undefined;
      const certificates = fetcher.trust
        .map((name) => network.variables[name])
        .find((path) => path !== undefined);
      const execution: Execution = {
        profile: 'setup',
        argv: [
          join(nodePath, 'node'),
          ...(fetcher.system === false ? [] : ['--use-system-ca']),
          '-e',
          ASK,
          address,
          ...fetcher.own,
        ],
        cwd,
        env: {
          NODE_USE_ENV_PROXY: '1',
          ...(certificates === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificates }),
        },
        signal,
        totalMs: TOTAL_MS,
      };
      const { ending, tail } = await sandbox.exec(workplace, execution);
      const code = tail.trim().split('\n').at(-1) ?? '';
      if (ending.kind !== 'exited' || ending.exitCode !== 0 || !/^[A-Z_0-9]+$/.test(code)) return undefined;
      return describe(code, { word, fetcher, address, network });
    }),
  );
  return found.find((sentence) => sentence !== undefined);
}

/** The first address that the tool asks; undefined where it is no address of the network. */
function registryOf({ told, standard }: Fetcher, { variables, files }: Network): string | undefined {
  const inFile =
    told !== 'npm_config_registry' ? undefined : /^registry = (.*)$/m.exec(files[NPMRC] ?? '')?.[1];
  const set = variables[told] ?? variables[told.toUpperCase()] ?? inFile ?? standard;
  const value = set.split(/[\s,|]/)[0] ?? '';
  return /^https?:/.test(value) ? value : undefined;
}

function describe(
  code: string,
  {
    word,
    fetcher,
    address,
    network,
  }: {
    readonly word: string;
    readonly fetcher: Fetcher;
    readonly address: string;
    readonly network: Network;
  },
): string | undefined {
  const host = new URL(address).host;
  const isSecure = address.startsWith('https:');
  if (/CERT|SELF_SIGNED|UNABLE_TO/.test(code)) {
    const [name] = fetcher.trust;
    if (name === undefined || fetcher.system === undefined) return undefined;
    const refusal = network.leftOut.get(name);
    const cure =
      refusal === undefined
        ? `set ${name} where choo runs to the file of the certificate that this network signs with`
        : `${name} is set where choo runs, but the file that it names ${refusal}`;
    return `${word} does not trust the certificate of ${host} (${code}): ${cure}`;
  }
  const proxy = isSecure ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  if (code === 'PROXY_407')
    return `${word} cannot reach ${host}: the proxy asks for a user and a password, which choo gives to no command; run one beside choo that adds them`;
  const by = network.variables[proxy] ?? network.variables['ALL_PROXY'];
  const refusal = network.leftOut.get(proxy);
  if (by !== undefined)
    return `${word} cannot reach ${host} by the proxy ${by} (${code}): is ${proxy} right where choo runs?`;
  if (refusal !== undefined)
    return `${word} cannot reach ${host} (${code}): ${proxy} ${refusal}, so choo gives it to no command`;
  return `${word} cannot reach ${host} (${code}), and ${proxy} is not set where choo runs: set it if this network has a proxy`;
}
