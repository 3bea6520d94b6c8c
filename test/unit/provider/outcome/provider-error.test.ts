import { describe, expect, test } from 'vitest';
import { errorOfMessage, errorOfStatus } from '../../../../src/provider/outcome/provider-error.ts';
import { cpuMs } from '../../../helpers/cpu-time.ts';

describe('a trouble', () => {
  test.each([
    [401, 'not-authenticated'],
    [402, 'not-authenticated'],
    [403, 'not-authenticated'],
    [413, 'truncated'],
    [429, 'rate-limited'],
    [407, 'misconfigured'],
    [408, 'overloaded'],
    [500, 'overloaded'],
    [502, 'overloaded'],
    [503, 'overloaded'],
    [504, 'overloaded'],
    [529, 'overloaded'],
    [400, undefined],
    [404, undefined],
    [undefined, undefined],
  ])('of status %s is %s', (status, trouble) => {
    expect(errorOfStatus(status)).toBe(trouble);
  });

  test.each([
    ['unexpected status 401 Unauthorized', 'not-authenticated'],
    ['last status: 429 Too Many Requests', 'rate-limited'],
    ['{"error":{"code":503,"message":"x"}}', 'overloaded'],
    ['API Error: 529 {"type":"error"}', 'overloaded'],
    ['Request rejected (429) · no', 'rate-limited'],
    ['status 400, and behind it status 503', 'overloaded'],
    ['the API key is fine, status 503', 'overloaded'],
    ['Invalid API key · Please run /login', 'not-authenticated'],
    ['Not logged in', 'not-authenticated'],
    ['OAuth token revoked', 'not-authenticated'],
    ['Credit balance is too low', 'not-authenticated'],
    ['You exceeded your current quota, please check your plan and billing details.', 'not-authenticated'],
    [
      'You exceeded your current quota, please check your plan and billing details. Please retry in 8s.',
      'rate-limited',
    ],
    ['RESOURCE_EXHAUSTED', 'rate-limited'],
    ["You've hit your usage limit.", 'rate-limited'],
    ['5-hour limit reached', 'rate-limited'],
    ['Selected model is at capacity.', 'overloaded'],
    ['The service is experiencing high demand', 'overloaded'],
    ['violates our Usage Policy', 'refused'],
    ['Your prompt was flagged', 'refused'],
    ['Prompt is too long', 'truncated'],
    ["ran out of room in the model's context window", 'truncated'],
    ['Reached maximum number of turns (2)', 'truncated'],
    ['Reached max session turns', 'truncated'],
    ['exceeded the 64000 output token maximum', 'truncated'],
    ['connect ECONNREFUSED 127.0.0.1:429', 'overloaded'],
    ['Connection refused', 'overloaded'],
    ['Request failed with status code 400', 'error'],
    ['EACCES: permission denied', 'error'],
    ['429 files changed', 'error'],
    ['', 'error'],
  ])('in the words %j is %s', (message, trouble) => {
    expect(errorOfMessage(message)).toBe(trouble);
  });

  test('takes no time to look for in a long text', async () => {
    const texts = ['status ', 'max ', 'quota ', 'error((((((('].map((piece) => piece.repeat(1_000_000));
    expect(await cpuMs(() => texts.map(errorOfMessage))).toBeLessThan(500);
  });
});
