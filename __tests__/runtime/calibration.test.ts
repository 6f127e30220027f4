import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Calibration } from '../../src/contract/build.ts';
import { GateError } from '../../src/errors.ts';
import { readModel } from '../../src/onnx/read.ts';
import { openCalibration, openObservationMemory } from '../../src/runtime/calibration.ts';
import type { TinyFamily } from '../models/random-weights.ts';
import { type Built, builtTiny, largestDifference, opened, roots, tinyWindows } from './tiny-model.ts';

const downInputs = (built: Built, graph: string, part: string): string[] =>
  readModel(join(built.folder, graph))
    .proto.graph?.node.filter(({ opType, name }) => opType === 'MatMul' && name.includes(part))
    .map(({ input }) => input[0] ?? '') ?? [];

describe.each(['qwen3', 'glm4_moe_lite', 'qwen3_vl'] satisfies TinyFamily[])('%s', (family) => {
  test('hands over intermediate tensors of every window and leaves the model as it was', async () => {
    const built = builtTiny(family);
    const files = readdirSync(built.folder).sort();
    const windows = tinyWindows(built.config);
    const names = downInputs(built, 'model.onnx', '/mlp/down_proj/');
    const calibration = openCalibration({ input: built, windows, roots }) satisfies Calibration;
    const seen: (readonly number[])[] = [];
    await calibration.observe('decoder', names, (values) => {
      expect(Object.keys(values).sort()).toEqual([...names].sort());
      for (const { dims, data } of Object.values(values)) {
        expect(data.length).toBe(dims.reduce((a, b) => a * b, 1));
        expect(data.some((value) => value !== 0)).toBe(true);
      }
      seen.push(values[names[0] ?? '']?.dims ?? []);
    });
    expect(seen).toEqual(Array(windows.count).fill([1, windows.length, 48]));
    await calibration.release();
    expect(readdirSync(built.folder).sort()).toEqual(files);
  });
});

test('observes the vision stage, and the decoder with what it sees', async () => {
  const built = builtTiny('qwen3_vl');
  const windows = tinyWindows(built.config);
  const calibration = openCalibration({ input: built, windows, roots });
  const widths: (readonly number[])[] = [];
  await calibration.observe('vision', downInputs(built, 'vision.onnx', '/mlp/linear_fc2/').slice(0, 1), (values) =>
    widths.push(...Object.values(values).map(({ dims }) => dims)),
  );
  expect(widths).toEqual(Array(3).fill([1, 16, 24]));
  const logits: Float32Array[] = [];
  await calibration.observe('decoder', ['logits'], ({ logits: own }) => logits.push(own?.data ?? new Float32Array()));
  await calibration.release();
  const model = await opened(built, windows);
  const row = Uint32Array.from(windows.tokens.subarray(0, windows.length));
  const seeing = await model.advance({ batch: 1, length: windows.length, tokens: row, windows: [0] }, null, windows.images);
  expect(largestDifference(logits[0] ?? [], seeing.logits.values)).toBeLessThan(1e-4);
  await model.release();
});

test('refuses a tensor that nothing produces and a stage that is not there', async () => {
  const built = builtTiny('qwen3');
  const calibration = openCalibration({ input: built, windows: tinyWindows(built.config), roots });
  const codeOf = (stage: string, name: string): Promise<string> =>
    calibration
      .observe(stage, [name], () => {})
      .then(
        () => 'none',
        (thrown: unknown) => (thrown instanceof GateError ? thrown.code : String(thrown)),
      );
  expect(await codeOf('decoder', 'no such tensor')).toBe('onnx-dangling-input');
  expect(await codeOf('vision', 'logits')).toBe('onnx-unsupported');
});

test('shows what it remembers without a run, where it fits and where the same is asked for; never holds more', async () => {
  const built = builtTiny('qwen3');
  const windows = tinyWindows(built.config);
  const names = downInputs(built, 'model.onnx', '/mlp/down_proj/');
  const observed = async (mostBytes: number | null, asked: readonly (readonly string[])[]): Promise<readonly Float32Array[][]> => {
    const memory = mostBytes === null ? null : openObservationMemory(mostBytes);
    const sweeps: Float32Array[][] = [];
    for (const tensors of asked) {
      const calibration = openCalibration({ input: built, windows, roots, memory });
      const sweep: Float32Array[] = [];
      await calibration.observe('decoder', tensors, (values) => {
        expect(memory?.bytes ?? 0).toBeLessThanOrEqual(mostBytes ?? 0);
        sweep.push(...Object.values(values).map(({ data }) => data));
      });
      await calibration.release();
      sweeps.push(sweep);
    }
    // What did not fit whole is not held in part.
    if (memory !== null) expect([0, bytes]).toContain(memory.bytes);
    return sweeps;
  };
  const [one, other] = [names.slice(0, 1), names.slice(1, 2)];
  const bytes = windows.count * windows.length * 48 * 4;
  const [plain = [], again = []] = await observed(null, [one, one]);
  expect([again, again[0] === plain[0]]).toEqual([plain, false]);
  const [first = [], second = [], third = [], fourth = []] = await observed(bytes, [one, other, one, other]);
  expect([first, third]).toEqual([plain, plain]);
  expect(third.every((data, window) => data === first[window])).toBe(true);
  expect([fourth, fourth[0] === second[0]]).toEqual([second, false]);
  const [small = [], anew = []] = await observed(bytes - 1, [one, one]);
  expect([anew, anew[0] === small[0]]).toEqual([small, false]);
});
