import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { addressesOf, addressOf, namesOf, proxyOf } from '../../../../src/sandbox/machine/address.ts';
import { fetchersOf } from '../../../../src/sandbox/machine/fetchers.ts';
import { findNetwork, type Network } from '../../../../src/sandbox/machine/network.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

/** What is found where a person's home has these files; `~` in variables is that home. */
async function found(
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<Network & { readonly home: string }> {
  await using place = await temporaryDirectory();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(place.path, path)), { recursive: true });
    await writeFile(join(place.path, path), text);
  }
  const own = Object.entries(environment).map(([name, value]) => [name, value.replaceAll('~', place.path)]);
  return {
    ...(await findNetwork(Object.fromEntries(own), { home: place.path, system: place.path })),
    home: place.path,
  };
}

describe('an address', () => {
  test.each([
    ['https://registry.example/npm/', 'https://registry.example/npm/'],
    ['https://registry.example', 'https://registry.example'],
    ['https://user:word@registry.example:8443/npm/?token=x#y', 'https://registry.example:8443/npm/'],
    ['https://token@registry.example?a=b', 'https://registry.example'],
    ['sparse+https://user@index.example/crates/', 'sparse+https://index.example/crates/'],
    ['corp=https://user@index.example/simple', 'corp=https://index.example/simple'],
    ['ssh://git@host.example/a.git', 'ssh://host.example/a.git'],
    [
      'https://host.example/0f8fad5b-d9cd-469f-a165-70867728950e/npm',
      'https://host.example/0f8fad5b-d9cd-469f-a165-70867728950e/npm',
    ],
    ['https://host.example/AbCd1234EfGh5678IjKl/simple/', undefined],
    // eslint-disable-next-line no-template-curly-in-string
    ['${REGISTRY}', undefined],
    ['user:word@host', undefined],
    ['javascript://x', undefined],
    ['', undefined],
  ])('%s', (text, address) => {
    expect(addressOf(text)).toBe(address);
  });

  test('of a proxy may be a host and a port', () => {
    expect(proxyOf('proxy.example:3128')).toBe('proxy.example:3128');
    expect(proxyOf('user:word@proxy.example:3128')).toBe('proxy.example:3128');
    expect(proxyOf('socks5h://user:word@proxy.example:1080')).toBe('socks5h://proxy.example:1080');
  });

  test('is one of a list, whose order counts', () => {
    expect(addressesOf('https://u:p@a.example,https://b.example|direct')).toBe(
      'https://a.example,https://b.example|direct',
    );
    expect(addressesOf('https://a.example secret')).toBeUndefined();
    expect(namesOf('localhost,.corp.example,10.0.0.0/8,[::1]')).toBe(
      'localhost,.corp.example,10.0.0.0/8,[::1]',
    );
    expect(namesOf('a@b')).toBeUndefined();
  });
});

describe('what a machine needs to reach its network', () => {
  test('is nothing where nothing is set', async () => {
    const { home: _, ...network } = await found({}, { PATH: '/bin', API_KEY: 'x', npm_config_cache: '/c' });
    expect(network).toEqual({ variables: {}, own: {}, files: {}, readable: [], leftOut: new Map() });
  });

  test('has proxies in both cases of letters, without passwords', async () => {
    const { variables } = await found(
      {},
      {
        HTTPS_PROXY: 'http://user:word@proxy.example:3128',
        http_proxy: 'http://other.example',
        no_proxy: 'localhost,.example',
      },
    );
    expect(variables).toEqual({
      HTTPS_PROXY: 'http://proxy.example:3128',
      https_proxy: 'http://proxy.example:3128',
      HTTP_PROXY: 'http://other.example',
      http_proxy: 'http://other.example',
      NO_PROXY: 'localhost,.example',
      no_proxy: 'localhost,.example',
      NODE_USE_ENV_PROXY: '1',
    });
  });

  test('has the certificates that variables name, and shows their files', async () => {
    const files = {
      'ca/corp.pem': CERTIFICATE,
      'ca/corp.key': '-----BEGIN PRIVATE KEY-----\n',
      'ca/notes': 'x',
    };
    const { variables, readable, leftOut, home } = await found(files, {
      NODE_EXTRA_CA_CERTS: '~/ca/corp.pem',
      SSL_CERT_DIR: '/etc/ssl/certs:~/ca',
      CURL_CA_BUNDLE: '~/ca/corp.key',
      PIP_CERT: '~/ca/none.pem',
      GIT_SSL_CAINFO: 'corp.pem',
      REQUESTS_CA_BUNDLE: '~/ca/notes',
    });
    expect(variables).toEqual({
      NODE_EXTRA_CA_CERTS: `${home}/ca/corp.pem`,
      SSL_CERT_DIR: `/etc/ssl/certs:${home}/ca`,
    });
    expect(readable).toEqual([`${home}/ca/corp.pem`]);
    expect(Object.fromEntries(leftOut)).toEqual({
      CURL_CA_BUNDLE: 'holds a private key',
      PIP_CERT: 'cannot be read',
      GIT_SSL_CAINFO: 'is no absolute path',
      REQUESTS_CA_BUNDLE: 'holds no certificate in PEM',
    });
  });

  test.each<readonly [string, Record<string, string>, Record<string, string>, Record<string, string>]>([
    [
      'npm, pnpm and yarn 1',
      {
        '.npmrc':
          'registry=https://user:word@npm.example/\n@corp:registry = https://corp.example/npm/\n//npm.example/:_authToken=WORD\nproxy=http://u:WORD@proxy.example:1\n_auth=WORD\nscript-shell=/bin/x\n; registry=https://no.example\n',
        '.config/pnpm/rc': 'registry=https://pnpm.example/\n',
      },
      { NPM_CONFIG_GLOBALCONFIG: '/choo/settings/npmrc' },
      {
        '/choo/settings/npmrc':
          'registry = https://pnpm.example/\nregistry = https://npm.example/\n@corp:registry = https://corp.example/npm/\nproxy = http://proxy.example:1\n',
      },
    ],
    [
      'yarn',
      {
        '.yarnrc.yml':
          'npmRegistryServer: "https://yarn.example"\nnpmAuthToken: WORD\nnpmScopes:\n  corp: { npmRegistryServer: "https://u:WORD@corp.example", npmAuthToken: WORD }\nyarnPath: /x\n',
      },
      {},
      {
        '/choo/.yarnrc.yml':
          'npmRegistryServer: https://yarn.example\nnpmScopes:\n  corp:\n    npmRegistryServer: https://corp.example\n',
      },
    ],
    [
      'pip',
      {
        '.config/pip/pip.conf':
          '[global]\nindex-url = https://user:WORD@pip.example/simple\n[install]\nextra-index-url = https://a.example/simple\ntrusted-host = pip.example\n',
      },
      { PIP_INDEX_URL: 'https://pip.example/simple', PIP_EXTRA_INDEX_URL: 'https://a.example/simple' },
      {},
    ],
    [
      'uv',
      {
        '.config/uv/uv.toml':
          '[[index]]\nname = "corp"\nurl = "https://u:WORD@uv.example/simple"\ndefault = true\n[[index]]\nurl = "https://more.example/simple"\n',
      },
      { UV_DEFAULT_INDEX: 'corp=https://uv.example/simple', UV_INDEX: 'https://more.example/simple' },
      {},
    ],
    [
      'cargo',
      {
        '.cargo/config.toml':
          '[source.crates-io]\nreplace-with = "corp"\n[source.corp]\nregistry = "sparse+https://u:WORD@cargo.example/index/"\n[registries.corp]\nindex = "https://cargo.example/git"\ntoken = "WORD"\n[build]\nrustc-wrapper = "/x"\n',
        '.cargo/credentials.toml': '[registry]\ntoken = "WORD"\n',
      },
      {},
      {
        '/choo/.cargo/config.toml':
          '[source.crates-io]\nreplace-with = "corp"\n\n[source.corp]\nregistry = "sparse+https://cargo.example/index/"\n\n[registries.corp]\nindex = "https://cargo.example/git"\n',
      },
    ],
    [
      'Go',
      {
        '.config/go/env': 'GOPROXY=https://u:WORD@go.example,direct\nGOFLAGS=-x\nGOPRIVATE=*.corp.example\n',
      },
      { GOPROXY: 'https://go.example,direct', GOPRIVATE: '*.corp.example' },
      {},
    ],
    [
      'Maven',
      {
        '.m2/settings.xml':
          '<settings><servers><server><id>corp</id><password>WORD</password></server></servers><!-- <mirror><url>https://no.example</url></mirror> --><mirrors><mirror><id>corp</id><mirrorOf>*</mirrorOf><url>https://u:WORD@maven.example/m2</url></mirror></mirrors><proxies><proxy><host>proxy.example</host><port>1</port><password>WORD</password></proxy></proxies></settings>',
      },
      { MAVEN_ARGS: '--global-settings /choo/settings/maven.xml' },
      {
        '/choo/settings/maven.xml':
          '<settings>\n<mirrors>\n<mirror><id>corp</id><mirrorOf>*</mirrorOf><url>https://maven.example/m2</url></mirror>\n</mirrors>\n<proxies>\n<proxy><host>proxy.example</host><port>1</port></proxy>\n</proxies>\n</settings>\n',
      },
    ],
    [
      'Gradle',
      {
        '.gradle/gradle.properties':
          'systemProp.https.proxyHost=proxy.example\nsystemProp.https.proxyPort=3128\nsystemProp.https.proxyPassword=WORD\norg.gradle.jvmargs=-Dx=WORD\n',
      },
      { GRADLE_OPTS: '-Dhttps.proxyHost=proxy.example -Dhttps.proxyPort=3128' },
      {},
    ],
    [
      'bundler',
      {
        '.bundle/config':
          '---\nBUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG/: "https://u:WORD@gems.example/"\nBUNDLE_GEMS__EXAMPLE: "u:WORD"\n',
      },
      { BUNDLE_USER_CONFIG: '/choo/settings/bundle' },
      { '/choo/settings/bundle': 'BUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG/: https://gems.example/\n' },
    ],
  ])('has the addresses in the settings of %s, and no credential', async (_, files, variables, texts) => {
    const network = await found(files);
    expect(network.variables).toMatchObject(variables);
    expect(network.files).toEqual(texts);
    expect(JSON.stringify([network.variables, network.files])).not.toMatch(/WORD|user|u:/);
    expect(network.leftOut.size).toBe(0);
  });

  test('has the addresses in variables, above those in files', async () => {
    const { variables, own, leftOut } = await found(
      {
        '.config/uv/uv.toml': 'index-url = "https://uv.example"\n',
        '.config/pip/pip.conf': '[global]\nindex-url = https://file.example\n',
      },
      {
        PIP_INDEX_URL: 'https://user:word@pip.example/simple',
        NPM_CONFIG_REGISTRY: 'https://npm.example',
        CARGO_REGISTRIES_CORP_INDEX: 'sparse+https://u@cargo.example/',
        CARGO_REGISTRIES_CORP_TOKEN: 'token',
        NPM_TOKEN: 'token',
        GOPROXY: 'https://go.example/AbCd1234EfGh5678IjKl',
      },
    );
    expect(variables).toEqual({
      PIP_INDEX_URL: 'https://pip.example/simple',
      NPM_CONFIG_REGISTRY: 'https://npm.example',
      CARGO_REGISTRIES_CORP_INDEX: 'sparse+https://cargo.example/',
      UV_DEFAULT_INDEX: 'https://uv.example',
    });
    expect([...leftOut.keys()]).toEqual(['GOPROXY']);
    const { UV_DEFAULT_INDEX: _, ...set } = variables;
    expect(own).toEqual(set); // what is in files, tools find themselves where there is no sandbox
  });

  test('has the certificates that settings of tools name', async () => {
    const { variables, readable, home } = await found(
      {
        'corp.pem': CERTIFICATE,
        '.npmrc': 'cafile=/etc/none.pem\n',
        '.cargo/config.toml': '[http]\ncainfo = "/etc/none.pem"\n',
      },
      { NODE_EXTRA_CA_CERTS: '~/corp.pem' },
    );
    expect([variables, readable]).toEqual([
      { NODE_EXTRA_CA_CERTS: `${home}/corp.pem` },
      [`${home}/corp.pem`],
    ]);
    await using place = await temporaryDirectory();
    const file = join(place.path, 'corp.pem');
    await writeFile(file, CERTIFICATE);
    const settings = await found({
      '.npmrc': `cafile=${file}\n`,
      '.cargo/config.toml': `[http]\ncainfo = "${file}"\n`,
    });
    expect(settings.variables).toEqual({ NODE_EXTRA_CA_CERTS: file, CARGO_HTTP_CAINFO: file });
  });

  test('names a file that is not what it should be, and goes on', async () => {
    const { variables, leftOut, home } = await found(
      { '.cargo/config.toml': 'no [ toml', '.config/uv/uv.toml': '= =' },
      { GOPROXY: 'direct' },
    );
    expect(variables).toEqual({ GOPROXY: 'direct' });
    expect([...leftOut.keys()].sort()).toEqual([`${home}/.cargo/config.toml`, `${home}/.config/uv/uv.toml`]);
  });
});

test('a command names the tools that fetch', () => {
  const words = (command: string): readonly string[] => fetchersOf(command).map(({ word }) => word);
  expect(words('cd web && npm ci')).toEqual(['npm']);
  expect(words('python3 -m venv .venv && .venv/bin/pip install -r requirements.txt; cargo fetch')).toEqual([
    'pip',
    'cargo',
  ]);
  expect(words('make npm-stuff')).toEqual([]);
});
