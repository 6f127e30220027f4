import { expect, it } from 'vitest';
import type { ServeHints } from '../../../src/records/serving.ts';
import { scoreArms } from '../../../src/runtime/scoring.ts';
import { shippedStream } from './shipped-stream.ts';

it('the default window costs nearly nothing on the text of a shipped model; a window too small and keys not turned back do', async () => {
  const { windows, hints: sound, open } = await shippedStream();
  const hints: Readonly<Record<string, ServeHints>> = {
    sound,
    'small window': { ...sound, keepLast: 4, chunk: 4, slack: 4 },
    'keys not turned back': { ...sound, keepLast: 28, chunk: 32, slack: 32, frequencies: sound.frequencies?.map(() => 0) },
  };
  const reference = await open({});
  const arms = Object.fromEntries(
    await Promise.all(Object.entries(hints).map(async ([name, serve]) => [name, await open(serve)] as const)),
  );
  const totals: Record<string, number> = {};
  await scoreArms(reference, { reference, ...arms }, windows, { limit: 3 }, (_, scores) => {
    for (const [name, { nll }] of Object.entries(scores)) totals[name] = (totals[name] ?? 0) + nll / 3;
  });
  const delta = (name: string): number => (totals[name] ?? Number.NaN) - (totals['reference'] ?? Number.NaN);
  expect(Math.abs(delta('sound'))).toBeLessThan(0.005);
  for (const name of ['small window', 'keys not turned back']) expect(delta(name)).toBeGreaterThan(0.02);
  for (const model of [reference, ...Object.values(arms)]) await model.release();
});
