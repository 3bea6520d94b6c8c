import { describe, expect, test } from 'vitest';
import { runTool } from '../../../src/system/run-program.ts';

const HERE = { cwd: '/', env: {}, limitMs: 10_000 } as const;

describe('a program of choo’s own', () => {
  test('is run to its end, and heard on both streams', async () => {
    const argv = ['/bin/sh', '-c', 'pwd; echo trouble >&2; exit 3'] as const;
    expect(await runTool({ ...HERE, argv })).toEqual({ exitCode: 3, output: '/\ntrouble' });
  });

  test('gets its own environment, and no input', async () => {
    const argv = ['/bin/sh', '-c', '/usr/bin/env | grep -v -e ^PWD= -e ^_= -e ^SHLVL=; cat'] as const;
    expect(await runTool({ ...HERE, argv, env: { GIVEN: 'x' } })).toEqual({ exitCode: 0, output: 'GIVEN=x' });
  });

  test('is killed when it takes too long', async () => {
    const result = await runTool({
      ...HERE,
      argv: ['/bin/sh', '-c', 'echo so far; exec sleep 60'],
      limitMs: 200,
    });
    expect(result.exitCode).toBeUndefined();
    expect(result.output).toMatch(/^so far\n.*timed out after 200 milliseconds/);
  });

  test('that cannot be started says why', async () => {
    const { exitCode, output } = await runTool({ ...HERE, argv: ['/nowhere/x'] });
    expect(exitCode).toBeUndefined();
    expect(output).toContain('ENOENT');
  });

  test.runIf(process.getuid?.() === 0)('runs as another user, without the groups of root', async () => {
    const argv = ['/bin/sh', '-c', 'id -u; id -G'] as const;
    const env = { PATH: '/usr/bin:/bin' };
    expect(await runTool({ ...HERE, argv, env, user: { uid: 61_000, gid: 61_001 } })).toEqual({
      exitCode: 0,
      output: '61000\n61001',
    });
  });
});
