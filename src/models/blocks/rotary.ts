import type { GraphBuilder } from '../../onnx/graph-builder.ts';

/** Rotary frequencies θ^(−2i/size), i < size/2, rounded to float32 where the published models round. */
export const rotaryFrequencies = (size: number, theta: number): Float32Array => {
  const out = new Float32Array(size / 2);
  for (let i = 0; i < out.length; i++) out[i] = 1 / Math.fround(theta ** Math.fround((2 * i) / size));
  return out;
};

/** Rows of cos or sin of position × frequency: positions × frequencies, row-major. */
export const rotaryTable = (positions: Iterable<number>, frequencies: Float32Array, wave: (angle: number) => number): Float32Array => {
  const out: number[] = [];
  for (const position of positions) for (const frequency of frequencies) out.push(wave(Math.fround(position * frequency)));
  return Float32Array.from(out);
};

export interface RotaryCaches {
  readonly cos: string;
  readonly sin: string;
}

/** The two caches [positions, size / 2] that all layers share. */
export const rotaryCaches = (graph: GraphBuilder, positions: number, size: number, theta: number): RotaryCaches => {
  const table = (wave: (angle: number) => number) => (): Float32Array =>
    rotaryTable(Array(positions).keys(), rotaryFrequencies(size, theta), wave);
  return {
    cos: graph.weight('cos_cache', [positions, size / 2], table(Math.cos)),
    sin: graph.weight('sin_cache', [positions, size / 2], table(Math.sin)),
  };
};
