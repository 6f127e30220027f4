import { describe, expect, it } from 'vitest';
import { unheard } from '../../../src/optimizations/serving/unheard-policy.ts';

describe('a policy that is not heard', () => {
  it('is started and asked, and its answer decides nothing', async () => {
    const asked: unknown[] = [];
    const ask = await unheard({ policy: async (setting) => ({ next: async (seen) => asked.push(setting, seen) }) }, 's');
    await expect(ask('a')).resolves.toBeUndefined();
    expect(asked).toEqual(['s', 'a']);
  });

  it('may fail, when it is started and when it is asked', async () => {
    const failing = async (): Promise<never> => {
      throw new Error('crashed');
    };
    await expect((await unheard({ policy: failing }, null))('a')).resolves.toBeUndefined();
    await expect((await unheard({ policy: async () => ({ next: failing }) }, null))('a')).resolves.toBeUndefined();
  });
});
