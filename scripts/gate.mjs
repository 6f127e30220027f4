// Runs the gate of this checkout. The packages are installed first, unless the command line asks for a text or is refused.
// Plain JavaScript: this file runs on the machine's own Node (20 or newer), before Node 24 is installed beside it.
import { asksForText, parseCommandLine } from '../dist/command-line.js';

const needsPackages = () => {
  try {
    return !asksForText(parseCommandLine(process.argv.slice(2)));
  } catch {
    // The program itself says what is wrong.
    return false;
  }
};

if (needsPackages()) await import('./install-once.mjs');
await import('../dist/cli.js');
