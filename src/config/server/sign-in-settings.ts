import { z } from 'zod';
import { accounts } from './setting-values.ts';

/** The settings of the sign-in to the dashboard. */
export const signInSettings = {
  GITHUB_CLIENT_ID: z
    .string()
    .regex(/^[\w.-]{1,100}$/, "the App's client id")
    .optional()
    .describe("The App's client id. With its secret and CHOO_URL people sign in to the dashboard."),
  GITHUB_CLIENT_SECRET: z
    .string()
    .min(16, 'at least 16 characters')
    .optional()
    .describe("The App's client secret."),
  CHOO_URL: z
    .string()
    .regex(
      /^(?:https:\/\/[A-Za-z0-9.-]{1,253}|http:\/\/(?:127\.0\.0\.1|localhost))(?::[0-9]{1,5})?\/?$/,
      'an https address without a path, or one of this machine',
    )
    .transform((url) => url.replace(/\/$/, '').toLowerCase())
    .optional()
    .describe(
      'Where browsers reach the server, such as `https://choo.example.com`: what people see when they sign in.',
    ),
  CHOO_OPERATORS: accounts
    .default([])
    .describe(
      'The numbers of the accounts that may see and do everything on the dashboard, separated by commas. Default: none.',
    ),
};
