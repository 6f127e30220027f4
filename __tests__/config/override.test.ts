import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { applyOverrides, defaultConfig, parseConfig } from '../testkit/config.ts';
import { refusal } from './refusal.ts';

const optionsOf = (config: Config, id: string) => config.optimizations.find((entry) => entry.id === id)?.options;

describe('applyOverrides', () => {
  it('changes values by path, lists by id, in order, and leaves the given configuration alone', () => {
    const before = defaultConfig();
    const after = applyOverrides(before, [
      'optimizations.structured-pruning.with.importance=magnitude',
      'optimizations.structured-pruning.with.ratio=0.4',
      'optimizations.structured-pruning.with.ratio=0.5',
      'gate.tolerance.latency=3%',
      'models=[mini-qwen3-dense]',
      'limits.memory=1GiB',
    ]);
    expect(optionsOf(after, 'structured-pruning')).toEqual({ importance: 'magnitude', ratio: 0.5 });
    expect(after.gate.tolerance).toEqual({ latency: { value: 0.03, relative: true, place: 'set gate.tolerance.latency=3%' } });
    expect(after.models).toEqual([{ kind: 'id', id: 'mini-qwen3-dense' }]);
    expect(after.limits.memoryBytes).toBe(2 ** 30);
    expect(before).toEqual(defaultConfig());
  });

  it('keeps what the file says beside the changed value, and takes the longest id that fits', () => {
    const config = parseConfig('optimizations:\n  - {id: a, with: {x: 1}}\n  - {id: a.b, with: {x: 2, y: 3}}\n', 'gate.yml');
    const after = applyOverrides(config, ['optimizations.a.b.with.x=[1, two]']);
    expect(optionsOf(after, 'a')).toEqual({ x: 1 });
    expect(optionsOf(after, 'a.b')).toEqual({ x: [1, 'two'], y: 3 });
    expect(after.optimizations[1]?.place).toBe('gate.yml:3:5');
  });

  it.each([
    ['gate', 'usage-bad-value', 'PATH=VALUE'],
    ['=1', 'usage-bad-value', 'PATH=VALUE'],
    ['gate.alpha=', 'usage-bad-value', 'behind the ='],
    ['gate..alpha=1', 'usage-bad-value', 'joined by dots'],
    ['__proto__.x=1', 'usage-bad-value', 'joined by dots'],
    ['gate.alhpa=0.1', 'config-unknown-key', 'Did you mean "alpha"'],
    ['optimizations.structured-prunning.with.ratio=1', 'config-unknown-key', 'Did you mean "structured-pruning"'],
    ['gate.alpha.deeper=1', 'config-invalid', 'gate.alpha'],
    ['models.mini-qwen3-dense.x=1', 'config-unknown-key', 'above it stands a single value'],
    ['gate.alpha=7', 'config-invalid', 'gate.alpha'],
    ['gate.alpha={', 'config-syntax', ''],
  ])('refuses %j', (override, code, part) => {
    const error = refusal(() => applyOverrides(defaultConfig(), [override]));
    expect(error).toMatchObject({ code, message: expect.stringContaining(part) });
    expect(error.where).toContain(`set ${override}`);
  });
});
