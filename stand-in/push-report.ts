/** git's message for a refused ref; GitHub replaces it by the reason. */
const DECLINED = 'pre-receive hook declined';

/** The beginning of the hook's reason. */
const REASON = /refusing to allow a GitHub App[^\n]*/;

/** The hook that refuses workflows from an app without the permission. */
export const PRE_RECEIVE = `#!/bin/sh
[ "$KEEP_WORKFLOWS" = 1 ] || exit 0
while read -r old new ref; do
  case $new in 0000000000000000000000000000000000000000) continue ;; esac
  path=$(git log --format= --name-only "$new" --not --all -- .github/workflows | head -n 1)
  [ -z "$path" ] && continue
  echo "refusing to allow a GitHub App to create or update workflow \\\`$path\\\` without \\\`workflows\\\` permission" >&2
  exit 1
done
exit 0
`;

/** Replaces git's message for each refused ref by the hook's reason, as GitHub does. Other answers are unchanged. */
export function sayWhy(body: Buffer): Buffer {
  const reason = REASON.exec(body.toString())?.[0];
  if (reason === undefined || !body.includes(DECLINED)) return body;
  const packets = packetsOf(body).filter((packet) => packet.length > 0);
  const channel = (number: number): Buffer[] => packets.filter((packet) => packet[0] === number);
  const report = Buffer.concat(channel(1).map((packet) => packet.subarray(1)));
  const changed = packetsOf(report).map((line) =>
    line.length === 0 ? FLUSH : packet(Buffer.from(line.toString().replace(DECLINED, reason))),
  );
  const inner = Buffer.concat(changed);
  return Buffer.concat([packet(Buffer.concat([Buffer.of(1), inner])), FLUSH]);
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
