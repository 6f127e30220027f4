// Installs the packages when they are missing or older than the lock file, so that one command works on a fresh clone.
// Plain JavaScript: this file runs on the machine's own Node (20 or newer), before Node 24 is installed beside it.
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const installed = 'node_modules/.package-lock.json';
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs) {
  console.error('Installing the packages of package-lock.json (once) ...');
  const began = performance.now();
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: ['ignore', 2, 2] });
  console.error(`Installed in ${Math.round((performance.now() - began) / 1000)} s.`);
}
