/** Variables that decide what runs, or that a sandbox sets itself: another value would change more than the command's own work. */
const CONTROL =
  /^(?:PATH|HOME|PWD|OLDPWD|SHELL|USER|LOGNAME|TMPDIR|IFS|ENV|BASH_ENV|BASHOPTS|SHELLOPTS|PS4|PROMPT_COMMAND|CDPATH|GLOBIGNORE|POSIXLY_CORRECT|GCONV_PATH|NODE_OPTIONS|PYTHONSTARTUP|PYTHONHOME|PERL5OPT|RUBYOPT|JAVA_TOOL_OPTIONS)$/;
/** Families of them: of the linker, of bash's functions, of git, of choo. */
const FAMILIES = /^(?:LD_|DYLD_|BASH_FUNC_|GIT_|CHOO_|RALPH_)/;
/** What reaches the network; see {@link findNetwork}. */
const NETWORK =
  /^(?:(?:https?|all|no|ftp)_proxy|NODE_EXTRA_CA_CERTS|NODE_TLS_REJECT_UNAUTHORIZED|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|PIP_CERT|CURL_CA_BUNDLE|CARGO_HTTP_CAINFO|NODE_USE_ENV_PROXY)$/i;

/** Why a variable of this name may not be set, as the end of a sentence. Undefined: it may. */
export function faultOfName(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(name)) return 'is no name of a variable';
  if (CONTROL.test(name) || FAMILIES.test(name)) return 'decides what runs, so it cannot be set';
  return NETWORK.test(name) ? 'decides how the network is reached, which whoever runs choo sets' : undefined;
}
