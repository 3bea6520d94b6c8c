import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import process from 'node:process';
import { contentPath, MAX_POINTER_BYTES, pointerText, readPointer } from './pointer.ts';

// choo's filter for files of Git LFS, which git starts once for each of its commands and then speaks to in packets
// (gitattributes(5), "Long Running Filter Process"). It writes the contents that choo has fetched in place of pointers, and
// pointers in place of contents. It reads no settings, asks nobody and writes no file. Arguments: the directory of contents.

const [, , directory = ''] = process.argv;
/** The most of a packet without its length. Bytes. */
const MAX_PACKET_BYTES = 65_516;

/** The contents of packets; undefined: the end of a list. Ends with git. */
async function* readInput(): AsyncGenerator<Buffer | undefined, undefined> {
  let left: Buffer = Buffer.alloc(0);
  for await (const part of process.stdin) {
    left = left.length === 0 ? (part as Buffer) : Buffer.concat([left, part as Buffer]);
    while (left.length >= 4) {
      const length = Number.parseInt(left.toString('latin1', 0, 4), 16);
      const end = Math.max(4, length);
      if (left.length < end) break;
      yield length < 4 ? undefined : left.subarray(4, end);
      left = left.subarray(end);
    }
  }
}

const input = readInput();

/** The packets up to the end of a list. */
async function* readPackets(): AsyncGenerator<Buffer> {
  for (;;) {
    const { value, done } = await input.next();
    if (done === true) process.exit(0);
    if (value === undefined) return;
    yield value;
  }
}

async function readList(): Promise<readonly Buffer[]> {
  const packets: Buffer[] = [];
  for await (const packet of readPackets()) packets.push(packet);
  return packets;
}

async function readLines(): Promise<readonly string[]> {
  return (await readList()).map((line) => line.toString('latin1').trimEnd());
}

async function write(bytes: Buffer): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}

async function writePackets(content: Buffer): Promise<void> {
  for (let at = 0; at < content.length; at += MAX_PACKET_BYTES) {
    const part = content.subarray(at, at + MAX_PACKET_BYTES);
    await write(Buffer.from((part.length + 4).toString(16).padStart(4, '0')));
    await write(Buffer.from(part)); // a copy: who calls uses its bytes again
  }
}

async function writeEnd(): Promise<void> {
  await write(Buffer.from('0000'));
}

async function writeLines(...lines: readonly string[]): Promise<void> {
  for (const line of lines) await writePackets(Buffer.from(`${line}\n`));
  await writeEnd();
}

/** What git stores: the pointer to a content; what is a pointer already, and nothing, as they are. */
async function clean(): Promise<void> {
  const hash = createHash('sha256');
  const start: Buffer[] = [];
  let size = 0;
  for await (const part of readPackets()) {
    if (size <= MAX_POINTER_BYTES) start.push(part);
    size += part.length;
    hash.update(part);
  }
  const content = Buffer.concat(start);
  const isPointer = size <= MAX_POINTER_BYTES && readPointer(content) !== undefined;
  const stored = size === 0 || isPointer ? content : pointerText({ oid: hash.digest('hex'), size });
  await writeLines('status=success');
  await writePackets(Buffer.from(stored));
}

/** What a worktree has: the content of a pointer; everything else, and a pointer without a content here, as it is. */
async function smudge(): Promise<void> {
  const stored = Buffer.concat(await readList());
  const pointer = readPointer(stored);
  await using file = pointer && (await tryOpen(contentPath(directory, pointer), pointer.size));
  await writeLines('status=success');
  if (file === undefined) return writePackets(stored);
  const part = Buffer.allocUnsafe(MAX_PACKET_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(part);
    if (bytesRead === 0) return;
    await writePackets(part.subarray(0, bytesRead));
  }
}

async function tryOpen(path: string, size: number): Promise<FileHandle | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined || (await file.stat()).size === size) return file;
  await file.close();
  return undefined;
}

await readLines();
await writeLines('git-filter-server', 'version=2');
await readLines();
await writeLines('capability=clean', 'capability=smudge');
for (;;) {
  const isClean = (await readLines()).includes('command=clean');
  await (isClean ? clean() : smudge());
  await writeEnd();
  await writeEnd(); // nothing to add to the status
}
