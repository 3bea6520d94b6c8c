/** What of `/etc` every sandbox shows, where a machine has it. */
interface ShownSettings {
  /** Paths below `/etc`; a directory stands for all in it. `*`: any part of a name. */
  readonly paths: readonly string[];
  /** What needs it. */
  readonly reason: string;
}

/**
 * What programs need of `/etc`, and nothing that tells of the machine's services or may hold a credential. So there is nothing of
 * `/etc/profile`, `gitconfig`, `npmrc`, `pip.conf`, `maven/settings.xml`: what commands need to reach the network comes by
 * other ways. passwd and group are choo's own.
 */
export const SHOWN_OF_ETC: readonly ShownSettings[] = [
  {
    paths: ['resolv.conf', 'hosts', 'host.conf', 'nsswitch.conf', 'gai.conf'],
    reason: 'names of the network',
  },
  { paths: ['services', 'protocols', 'networks', 'rpc'], reason: 'numbers of the network by their names' },
  {
    paths: [
      'ssl/certs',
      'ssl/cert.pem',
      'ca-certificates/extracted',
      'pki/ca-trust/extracted',
      'pki/tls/certs',
      'pki/tls/cert.pem',
      'pki/java',
    ],
    reason: 'certificates of authorities that the machine trusts',
  },
  {
    paths: [
      'ssl/openssl.cnf',
      'pki/tls/openssl.cnf',
      'pki/tls/openssl.d',
      'pki/tls/ct_log_list.cnf',
      'crypto-policies',
      'gnutls',
    ],
    reason: 'which ciphers are allowed',
  },
  { paths: ['ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'ld-musl-*.path'], reason: 'shared libraries' },
  { paths: ['alternatives'], reason: 'which of several programs a name means' },
  { paths: ['localtime', 'timezone', 'locale.alias', 'papersize'], reason: 'time and language' },
  {
    paths: ['os-release', 'lsb-release', 'debian_version', '*-release'],
    reason: 'which distribution this is, by which tools choose what they download',
  },
  { paths: ['mtab'], reason: 'a link to what is mounted inside' },
  { paths: ['terminfo', 'inputrc'], reason: 'terminals' },
  { paths: ['mime.types', 'magic', 'magic.mime'], reason: 'kinds of files' },
  { paths: ['fonts', 'ImageMagick-*', 'ghostscript', 'chromium.d'], reason: 'drawing and browsers' },
  { paths: ['OpenCL', 'glvnd', 'vulkan'], reason: 'drivers of graphics, by their names' },
  { paths: ['xml', 'sgml', 'texmf', 'groff', 'manpath.config'], reason: 'documents' },
  { paths: ['java*', 'maven/m2.conf', 'maven/logging'], reason: 'Java, whose directory links here' },
  { paths: ['python*', 'perl', 'R', 'mono', 'dotnet'], reason: 'other languages' },
  { paths: ['php/*/cli', 'php/*/mods-available', 'php.ini', 'php.d'], reason: 'extensions of PHP' },
  { paths: ['dpkg/origins', 'rpm'], reason: 'building packages' },
  { paths: ['postgresql-common'], reason: "Debian's programs for PostgreSQL" },
];

/** All patterns, by their names. */
const PATTERNS = SHOWN_OF_ETC.flatMap(({ paths }) => paths.map((path) => path.split('/')));

const PROGRAMS = /^\/(?:usr|bin|sbin|lib|lib32|lib64|libx32)(?:\/|$)/;

/** Whether every sandbox shows a path of the machine: programs and libraries, and what of `/etc` they need. */
export function isShownAnyway(path: string): boolean {
  if (PROGRAMS.test(path)) return true;
  const [root, first, ...rest] = path.split('/').slice(1);
  if (root !== 'etc' || first === undefined) return false;
  const names = [first, ...rest];
  return PATTERNS.some((pattern) => pattern.every((part, index) => fits(names[index] ?? '', part)));
}

/** The paths below a directory like `/etc` that are on the list, as far as `namesIn` knows names for their `*`. */
export function shownPaths(namesIn: (path: string) => readonly string[]): readonly string[] {
  return PATTERNS.flatMap((pattern) => {
    let found = [''];
    for (const part of pattern) {
      found = found.flatMap((path) => {
        const names = part.includes('*') ? namesIn(path).filter((name) => fits(name, part)) : [part];
        return names.map((name) => (path === '' ? name : `${path}/${name}`));
      });
    }
    return found;
  });
}

function fits(name: string, pattern: string): boolean {
  const [before = '', after] = pattern.split('*');
  if (after === undefined) return name === pattern;
  return name.length >= before.length + after.length && name.startsWith(before) && name.endsWith(after);
}
