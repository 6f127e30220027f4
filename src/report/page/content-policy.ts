import { createHash } from 'node:crypto';

const sourceOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** What the page may do: its own style sheet and its own script, by their digests, and nothing else. No network, no forms sent. */
export const contentPolicy = (style: string, script: string): string =>
  `default-src 'none'; style-src ${sourceOf(style)}; script-src ${sourceOf(script)}; base-uri 'none'; form-action 'none'`;
