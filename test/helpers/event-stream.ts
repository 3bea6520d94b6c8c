/** One message of a stream of server-sent events. */
export interface StreamedMessage {
  readonly id: string;
  readonly event: string;
  readonly data: { readonly parts?: Readonly<Record<string, string>>; readonly html?: string };
}

/** Reads a stream of server-sent events until `isEnough` of all messages so far, or its end. */
export async function readStream(
  url: string,
  isEnough: (messages: readonly StreamedMessage[]) => boolean,
  {
    lastEventId,
    signal,
    cookie,
  }: { readonly lastEventId?: string; readonly signal?: AbortSignal; readonly cookie?: string } = {},
): Promise<readonly StreamedMessage[]> {
  const ending = new AbortController();
  const response = await fetch(url, {
    headers: {
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      ...(cookie === undefined ? {} : { cookie }),
    },
    signal: AbortSignal.any([ending.signal, ...(signal === undefined ? [] : [signal])]),
  });
  if (response.body === null || !response.ok) throw new Error(`${url}: ${response.status}`);
  const messages: StreamedMessage[] = [];
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    messages.push(
      ...blocks.filter((block) => !block.startsWith(':') && !block.startsWith('retry:')).map(readMessage),
    );
    if (messages.length > 0 && isEnough(messages)) break;
  }
  ending.abort();
  return messages;
}

function readMessage(block: string): StreamedMessage {
  const fields = new Map(
    block.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
  );
  return {
    id: fields.get('id') ?? '',
    event: fields.get('event') ?? '',
    data: JSON.parse(fields.get('data') ?? 'null') as StreamedMessage['data'],
  };
}
