import { describe, expect, test } from 'vitest';
import { mayReadMetrics, renderMetrics } from '../../../src/web/metrics.ts';

const near = { remoteAddress: '127.0.0.1' };
const host = '127.0.0.1:3000';

describe('metrics', () => {
  test('are text that Prometheus reads, with labels escaped', () => {
    const metric = { name: 'choo_units', help: 'Units.', values: [[{ state: 'a"b\n' }, 2]] as const };
    expect(renderMetrics([metric, { ...metric, name: 'choo_workers', values: [[{}, 0.5]] }])).toBe(
      '# HELP choo_units Units.\n# TYPE choo_units gauge\nchoo_units{state="a\\"b\\n"} 2\n# HELP choo_workers Units.\n# TYPE choo_workers gauge\nchoo_workers 0.5\n',
    );
  });

  test.each([
    ['this machine', { host }, near, true],
    ['this machine by IPv6', { host: '[::1]:3000' }, { remoteAddress: '::1' }, true],
    [
      'this machine by a socket of both',
      { host: 'localhost:3000' },
      { remoteAddress: '::ffff:127.0.0.1' },
      true,
    ],
    ['another machine', { host }, { remoteAddress: '10.0.0.7' }, false],
    ['a proxy on this machine', { host, 'x-forwarded-for': '203.0.113.9' }, near, false],
    ['a proxy that passes the name on', { host: 'choo.example.com' }, near, false],
    ['a name that resolves to this machine', { host: 'rebound.example:3000' }, near, false],
    ['nobody that is known', {}, {}, false],
  ])('without a token may be read from %s: %#', (_, headers, socket, may) => {
    expect(mayReadMetrics({ headers, socket }, undefined)).toBe(may);
  });

  test('with a token may be read by who has it alone', () => {
    const far = { remoteAddress: '10.0.0.7' };
    const ask = (authorization?: string, socket = far): boolean =>
      mayReadMetrics(
        { headers: { host, ...(authorization === undefined ? {} : { authorization }) }, socket },
        'a-long-token-x',
      );
    expect(ask('Bearer a-long-token-x')).toBe(true);
    expect([
      ask('Bearer a-long-token-y'),
      ask('Bearer a-long-token-xx'),
      ask('a-long-token-x'),
      ask(),
      ask(undefined, near),
    ]).toEqual([false, false, false, false, false]);
  });
});
