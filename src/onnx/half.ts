let halfTable: Float32Array | undefined;

const halfValue = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

/** IEEE 754 binary16 bit patterns as float32, exactly. NaN payloads are not kept. */
export const halfToFloat = (halves: Uint16Array): Float32Array => {
  halfTable ??= Float32Array.from({ length: 65536 }, (_, bits) => halfValue(bits));
  const table = halfTable;
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < floats.length; i++) floats[i] = table[halves[i] ?? 0] ?? 0;
  return floats;
};

/** float32 as binary16 bit patterns, rounded to nearest, ties to even; from 65520 on infinity; every NaN becomes a quiet NaN of its sign. */
export const floatToHalf = (floats: Float32Array): Uint16Array => {
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const halves = new Uint16Array(floats.length);
  for (let i = 0; i < halves.length; i++) {
    const word = words[i] ?? 0;
    const magnitude = word & 0x7fffffff;
    let half: number;
    if (magnitude > 0x7f800000) half = 0x7e00;
    else if (magnitude >= 0x47800000) half = 0x7c00;
    else if (magnitude >= 0x38800000) half = (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
    else if (magnitude < 0x33000000) half = 0;
    else {
      const fraction = (magnitude & 0x7fffff) | 0x800000;
      const shift = 126 - (magnitude >>> 23);
      const rest = fraction & ((1 << shift) - 1);
      const middle = 1 << (shift - 1);
      half = fraction >>> shift;
      if (rest > middle || (rest === middle && (half & 1) === 1)) half++;
    }
    halves[i] = ((word >>> 16) & 0x8000) | half;
  }
  return halves;
};

/** bfloat16 bit patterns as float32, exactly. */
export const bfloat16ToFloat = (patterns: Uint16Array): Float32Array => {
  const words = new Uint32Array(patterns.length);
  for (let i = 0; i < words.length; i++) words[i] = (patterns[i] ?? 0) << 16;
  return new Float32Array(words.buffer);
};
