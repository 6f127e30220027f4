import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.ts';
import { requireSameMeaning } from '../../src/planning/kept-meaning.ts';
import { parseConfig } from '../testkit/config.ts';
import { configured, measured } from '../testkit/configured.ts';

const checked = (from: string, to: string): void => {
  const entry = measured('a');
  const [base, head] = [entry, entry.replace(from, to)].map(
    (each) => resolveConfig(parseConfig(configured([each]), 'gate.yml'), { optimizations: [], models: null }).optimizations[0],
  );
  if (base === undefined || head === undefined) throw new Error('no entry');
  requireSameMeaning(base, head, 'm/a');
};

describe('a metric that both sides have', () => {
  it('keeps its unit and its direction', () => {
    expect(() => checked('bytes', 'MB')).toThrow(/Expected size in bytes \(lower is better\), as base has it, got MB \(lower is better\)/);
    expect(() => checked('lower', 'higher')).toThrow(/got bytes \(higher is better\)/);
  });

  it('may change in what base alone decides, and in its name', () => {
    for (const [from, to] of [
      ['exact', 'timing'],
      ['id: size', 'id: bytes'],
      ['python3', 'python'],
    ] as const)
      expect(() => checked(from, to)).not.toThrow();
  });
});
