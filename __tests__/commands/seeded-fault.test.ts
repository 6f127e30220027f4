import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findBench } from '../../src/optimizations/registry.ts';
import { seededRandom } from '../../src/statistics/random.ts';
import { Clone, verdictsOf } from '../acceptance/clone.ts';
import { faults } from '../acceptance/faults.ts';

it.each(faults)('the fault in $optimization ($what) can be made', ({ file, from }) => {
  expect(readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8').split(from)).toHaveLength(2);
});

/** `npm run acceptance` makes all of them; here one, drawn among those that a quick run shows. */
const seed = Number(process.env['FAULT_SEED'] ?? 1);
const exact = faults.filter((fault) => fault.exact);
const fault = exact[Math.floor(seededRandom(seed)() * exact.length)]!;

describe(`the fault of FAULT_SEED=${seed}`, () => {
  const configuration = (minutes: number | null): string =>
    [
      'models: [mini-qwen3-dense]',
      `optimizations: [{ id: ${fault.optimization}, with: ${fault.quickly ?? '{}'} }]`,
      ...(minutes === null ? [] : [`budget: { minutes: ${minutes} }`]),
      '',
    ].join('\n');

  it(`in ${fault.optimization} (${fault.what}) is a regression; the same cell without it is none`, () => {
    // Exact points come first: the budget cuts off what is timed. What tunes needs its time before them.
    const tunes = findBench(fault.optimization)?.tunes !== undefined;
    const clone = new Clone({ 'sound.yml': configuration(0.00001), 'faulty.yml': configuration(tunes ? null : 0.05) });
    onTestFinished(() => clone.remove());
    const gate = (name: string) => clone.gate(name, '--quick', '--config', `${name}.yml`, '--base', 'HEAD');
    const sound = gate('sound');
    const unseen = { verdict: 'inconclusive', reason: expect.stringMatching(/^budget: it was never seen to work/) };
    expect(sound, sound.errors).toMatchObject({ status: 3, report: { verdict: 'inconclusive', cells: [unseen] } });
    clone.break(fault);
    const faulty = gate('faulty');
    const found = fault.metrics.flatMap((metric) => Object.values(verdictsOf(faulty, metric)));
    expect(found, `${faulty.errors}\n${faulty.text}`).toContain('regressed');
    expect(faulty.status).toBe(1);
  });
});
