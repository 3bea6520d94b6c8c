import type { Format } from './format.ts';
import { KIRO } from './kiro.ts';
import { OPENSPEC } from './openspec.ts';
import { SPEC_KIT } from './spec-kit.ts';

/** The formats of other tools, by the name that `.choo.yml` gives them. */
export const FORMATS = { openspec: OPENSPEC, 'spec-kit': SPEC_KIT, kiro: KIRO } as const satisfies Readonly<
  Record<string, Format>
>;

/** The name of a format. */
export type FormatName = keyof typeof FORMATS;
