/** A program that a gate needs. */
export interface Service {
  readonly command: string;
  readonly ready: string;
}

/**
 * `$1` is the gate, then each service's command and what succeeds once it is ready. What they leave running ends with the
 * sandbox, or on the host with everything else that the command started. 126 is what a shell says when it cannot run a command:
 * a gate without its services says nothing of the work. Their files are new: nothing is followed that somebody has put there.
 */
const SCRIPT = `gate=$1
shift
logs=$(mktemp -d) || exit 126
while [ $# -gt 0 ]; do
  bash --norc -c "$1" >"$logs/$#" 2>&1 </dev/null &
  started=$! ended=
  until bash --norc -c "$2" >"$logs/ready" 2>&1 </dev/null; do
    if [ -z "$ended" ] && ! kill -0 "$started" 2>/dev/null; then
      wait "$started"
      ended=$?
      if [ "$ended" != 0 ]; then
        tail -n 40 "$logs/$#"
        printf 'the service \`%s\` ended with %s before it was ready\\n' "$1" "$ended"
        exit 126
      fi
    fi
    if [ "$SECONDS" -ge LIMIT ]; then
      tail -n 40 "$logs/$#" "$logs/ready"
      printf 'the service \`%s\` was not ready after %s s: \`%s\` failed\\n' "$1" LIMIT "$2"
      exit 126
    fi
    sleep 0.1
  done
  shift 2
done
SECONDS=0
exec bash --norc -c "$gate"`;

/** Until all services are ready. Seconds. */
const READY_SECONDS = 120;

/** The command line of a gate with its services. */
export function gateWords(
  gate: string,
  services: readonly Service[],
  { readySeconds = READY_SECONDS }: { readonly readySeconds?: number } = {},
): readonly [string, ...string[]] {
  // bash reads its settings when its input looks like a network connection.
  if (services.length === 0) return ['bash', '--norc', '-c', gate];
  const script = SCRIPT.replaceAll('LIMIT', String(readySeconds));
  const words = services.flatMap(({ command, ready }) => [command, ready]);
  return ['bash', '--norc', '-c', script, 'gate', gate, ...words];
}
