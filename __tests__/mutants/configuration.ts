import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtinOptimizations } from '../../src/optimizations/registry.ts';

const targets = readFileSync(join(import.meta.dirname, '..', '..', 'optimization-gate.targets.yml'), 'utf8');
const defaults = builtinOptimizations.map(({ benchmark }) => `  - { id: ${benchmark.id} }\n`).join('');

/**
 * The configuration that mutants are judged with: every optimization as it is, and the targets that the defaults leave out. None of the mutants
 * makes a build vary, so builds are not repeated.
 */
export const mutantsConfiguration = targets
  .replace('optimizations:\n', () => `optimizations:\n${defaults}`)
  .replace('gate:\n', 'gate:\n  build-twice: false\n');
