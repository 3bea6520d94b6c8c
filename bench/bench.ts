// Runs one benchmark by name: `npm run bench -- discovery`, `npm run bench -- run chain`. Prints tables; asserts nothing.
import { benchAmend } from './amend.ts';
import { benchDiscovery } from './discovery.ts';
import { benchEngine } from './engine.ts';
import { benchJudge } from './judge.ts';
import { benchRun } from './run.ts';
import { benchSetup } from './setup.ts';
import { benchStandstill } from './standstill.ts';
import { benchWeb } from './web.ts';
import { benchWebhooks } from './webhooks.ts';

const benchmarks: Readonly<Record<string, (words: readonly string[]) => Promise<void>>> = {
  amend: benchAmend,
  discovery: benchDiscovery,
  engine: benchEngine,
  judge: benchJudge,
  run: benchRun,
  setup: benchSetup,
  standstill: benchStandstill,
  web: benchWeb,
  webhooks: benchWebhooks,
};

const name = process.argv[2] ?? '';
const bench = benchmarks[name];
if (bench === undefined) {
  console.error(`usage: npm run bench -- NAME, where NAME is one of: ${Object.keys(benchmarks).join(', ')}`);
  process.exitCode = 2;
} else {
  await bench(process.argv.slice(3));
}
