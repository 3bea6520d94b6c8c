/** git's message for a refused ref; GitHub replaces it by the reason. */
const DECLINED = 'pre-receive hook declined';

/** The beginning of the hook's reason for workflows. */
const REASON = /refusing to allow a GitHub App[^\n]*/;

/** What the hook says about rules, which git also shows as it is. */
const RULES = { code: 'GH013', reason: 'push declined due to repository rule violations' };

/** The hook that refuses workflows from an app without the permission, and what breaks one of the `RULES`. */
export const PRE_RECEIVE = `#!/bin/sh
zero=0000000000000000000000000000000000000000
while read -r old new ref; do
  if [ "$KEEP_WORKFLOWS" = 1 ] && [ "$new" != $zero ]; then
    path=$(git log --format= --name-only "$new" --not --all -- .github/workflows | head -n 1)
    if [ -n "$path" ]; then
      echo "refusing to allow a GitHub App to create or update workflow \\\`$path\\\` without \\\`workflows\\\` permission" >&2
      exit 1
    fi
  fi
  broken=
  while read -r type pattern; do
    case $ref in $pattern) ;; *) continue ;; esac
    kind=update
    [ "$old" = $zero ] && kind=creation
    [ "$new" = $zero ] && kind=deletion
    case $type:$kind in
      creation:creation) broken="$broken- Cannot create ref due to creations being restricted.|" ;;
      deletion:deletion) broken="$broken- Cannot delete this branch|" ;;
      update:update) broken="$broken- Cannot update this protected ref.|" ;;
      non_fast_forward:update)
        git merge-base --is-ancestor "$old" "$new" || broken="$broken- Cannot force-push to this branch|" ;;
      required_linear_history:update | required_linear_history:creation)
        [ -n "$(git rev-list --merges -n 1 "$new" --not --all)" ] &&
          broken="$broken- This branch must not contain merge commits.|" ;;
    esac
  done <<END
$RULES
END
  if [ -n "$broken" ]; then
    echo "error: GH013: Repository rule violations found for $ref." >&2
    echo "$broken" | tr '|' '\\n' >&2
    exit 1
  fi
done
exit 0
`;

/** Replaces git's message for each refused ref by the hook's reason, as GitHub does. Other answers are unchanged. */
export function sayWhy(body: Buffer): Buffer {
  const isRule = body.includes(RULES.code);
  const reason = isRule ? RULES.reason : REASON.exec(body.toString())?.[0];
  if (reason === undefined || !body.includes(DECLINED)) return body;
  const packets = packetsOf(body).filter((packet) => packet.length > 0);
  const channel = (number: number): Buffer[] => packets.filter((packet) => packet[0] === number);
  const report = Buffer.concat(channel(1).map((packet) => packet.subarray(1)));
  const changed = packetsOf(report).map((line) =>
    line.length === 0 ? FLUSH : packet(Buffer.from(line.toString().replace(DECLINED, reason))),
  );
  const inner = Buffer.concat(changed);
  const said = isRule ? channel(2).map((each) => packet(each)) : [];
  return Buffer.concat([...said, packet(Buffer.concat([Buffer.of(1), inner])), FLUSH]);
}

const FLUSH = Buffer.from('0000');

/** The contents of pkt-lines; a flush packet is empty. */
function packetsOf(bytes: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = Number.parseInt(bytes.subarray(at, at + 4).toString(), 16);
    packets.push(length === 0 ? Buffer.of() : bytes.subarray(at + 4, at + length));
    at += Math.max(4, length);
  }
  return packets;
}

function packet(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from((content.length + 4).toString(16).padStart(4, '0')), content]);
}
