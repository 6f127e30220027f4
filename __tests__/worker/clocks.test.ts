import { describe, expect, it } from 'vitest';
import { clocks } from '../../src/worker/clocks.ts';

const spin = (milliseconds: number): void => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
};

describe('the clock of the thread', () => {
  it('tells processor time to a fraction of a millisecond, undisturbed that of the wall', () => {
    const agreeing = Array.from({ length: 100 }, () => {
      const [wall, thread] = [clocks.wall(), clocks.thread()];
      spin(0.6);
      return (clocks.thread() - thread) / (clocks.wall() - wall);
    }).filter((share) => Math.abs(share - 1) < 0.1);
    expect(agreeing.length).toBeGreaterThanOrEqual(25);
  });

  it('stands still while the thread sleeps', async () => {
    const thread = clocks.thread();
    await new Promise((done) => setTimeout(done, 50));
    expect(clocks.thread() - thread).toBeLessThan(25);
  });
});
