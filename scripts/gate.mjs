// Runs the gate of this checkout. The packages are installed first, unless the command line asks for a text or is refused.
// Plain JavaScript: this file runs on the machine's own Node (20 or newer), before Node 24 is installed beside it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { asksForText, parseCommandLine } from '../dist/command-line.js';

const args = process.argv.slice(2);

const needsPackages = () => {
  try {
    return !asksForText(parseCommandLine(args));
  } catch {
    // The program itself says what is wrong.
    return false;
  }
};

if (needsPackages()) await import('./install-once.mjs');
const { status } = spawnSync('node', [fileURLToPath(new URL('../dist/cli.js', import.meta.url)), ...args], { stdio: 'inherit' });
process.exitCode = status ?? 3;
