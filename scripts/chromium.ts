import { spawnSync } from 'node:child_process';

/** The command of a browser of the Chromium family, or null where this machine has none. */
export const chromium: string | null =
  ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync(name, ['--version']).status === 0) ?? null;
