import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat, floatToHalf, halfToFloat } from '../../src/onnx/half.ts';

const everyHalf = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

/** The engine's own conversion, where it has one (Node 24). */
const Float16 = (globalThis as unknown as { Float16Array?: new (values: ArrayLike<number> | ArrayBufferLike) => Float32Array })
  .Float16Array;

describe('half precision', () => {
  it('brings every pattern through float32 and back, NaN as the one quiet NaN', () => {
    const floats = halfToFloat(everyHalf);
    const back = floatToHalf(floats);
    const changed = [...everyHalf].filter((bits) => back[bits] !== (Number.isNaN(floats[bits]) ? 0x7e00 : bits));
    expect(changed).toEqual([]);
    expect(floats[0x3c00]).toBe(1);
    expect(floats[0x0001]).toBe(2 ** -24);
    expect(floats[0x7bff]).toBe(65504);
    expect(Object.is(floats[0x8000], -0)).toBe(true);
    expect(floats[0xfc00]).toBe(Number.NEGATIVE_INFINITY);
    expect(floats[0x7c01]).toBeNaN();
  });

  it('rounds as the engine does', () => {
    if (Float16 === undefined) throw new Error('these tests need Node 24');
    const half = Float16;
    fc.assert(
      fc.property(fc.float32Array({ minLength: 1, maxLength: 64 }), (values) => {
        const expected = [...new half(values)].map((each) => each);
        expect([...halfToFloat(floatToHalf(values))]).toEqual(expected);
      }),
    );
    const edges = Float32Array.from([
      65519.99,
      65520,
      65536,
      2 ** -25,
      2 ** -25 * 1.001,
      2 ** -14,
      2 ** -14 - 2 ** -26,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
    ]);
    expect([...halfToFloat(floatToHalf(edges))]).toEqual([...new half(edges)]);
  });

  it('widens bfloat16 exactly', () => {
    expect([...bfloat16ToFloat(Uint16Array.of(0x3f80, 0xc020, 0x7f80, 0x0001))]).toEqual([1, -2.5, Number.POSITIVE_INFINITY, 2 ** -133]);
  });
});
