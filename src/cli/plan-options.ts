import { type Command, Option } from 'commander';
import { PROVIDER_NAMES, type ProviderName } from '../config/schema.ts';
import type { LocalSettings } from '../config/settings.ts';
import type { ProviderCandidates } from '../provider/factory.ts';

/** What every command that makes a plan can be told about it. */
export interface PlanOptions {
  readonly unit?: readonly string[];
  readonly provider?: string;
  readonly forceProvider?: string;
}

/** `verb`: what the command does with the unit. */
export function unitOption(verb: string): Option {
  return new Option(
    '-u, --unit <id>',
    `${verb} only this unit and its dependencies; can be given more than once`,
  ).argParser((id: string, before: readonly string[] | undefined) => [...(before ?? []), id]);
}

/** Adds the options that choose a provider, with the old name of `--force-provider`. */
export function addProviderOptions(command: Command): Command {
  const choices = [
    new Option('--provider <name>', 'use this provider for units that name none'),
    new Option('--force-provider <name>', 'use this provider for every unit'),
    new Option('--force-task-provider <name>').hideHelp(),
  ];
  for (const option of choices) command.addOption(option.choices(PROVIDER_NAMES));
  return command;
}

/** The part of a plan's input that options and environment decide. */
export function planCandidates(
  { unit, provider, forceProvider }: PlanOptions,
  {
    CHOO_PROVIDER,
    RALPH_PROVIDER,
    CHOO_ALLOWED_PROVIDERS,
  }: Pick<LocalSettings, 'CHOO_PROVIDER' | 'RALPH_PROVIDER' | 'CHOO_ALLOWED_PROVIDERS'>,
): {
  readonly only: readonly string[] | undefined;
  readonly candidates: ProviderCandidates;
  readonly allowedProviders: readonly ProviderName[] | undefined;
} {
  return {
    only: unit,
    candidates: { forced: forceProvider, request: provider, environment: CHOO_PROVIDER ?? RALPH_PROVIDER },
    allowedProviders: CHOO_ALLOWED_PROVIDERS,
  };
}
