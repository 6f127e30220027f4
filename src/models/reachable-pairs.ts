/** Who depends on whom, in topological order: node i depends on `from[starts[i]]` … `from[starts[i + 1] − 1]`, all below i. */
export interface Dependencies {
  readonly count: number;
  /** count + 1 */
  readonly starts: Uint32Array;
  readonly from: Uint32Array;
}

/** From a list of what each node depends on. */
export const dependencies = (needs: readonly Iterable<number>[]): Dependencies => {
  const starts = new Uint32Array(needs.length + 1);
  const from: number[] = [];
  for (const [node, own] of needs.entries()) {
    for (const below of own) from.push(below);
    starts[node + 1] = from.length;
  }
  return { count: needs.length, starts, from: Uint32Array.from(from) };
};

/** Sources that are followed at once: 32 words per node, so that memory grows with the nodes and not with their square. */
const block = 1024;

const bitsIn = (word: number): number => {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

/**
 * How many pairs (source, node) there are with `counted(node)` where the node is the source or depends on it, directly or through others.
 * Time nodes × sources ÷ 32 and edges × sources ÷ 32, as the transitive closure by rows of bits.
 */
export const reachablePairs = (
  { count, starts, from: below }: Dependencies,
  sources: readonly number[],
  counted: (node: number) => boolean,
): number => {
  let pairs = 0;
  for (let first = 0; first < sources.length; first += block) {
    const chunk = sources.slice(first, first + block);
    const words = Math.ceil(chunk.length / 32);
    const reached = new Uint32Array(count * words);
    // Whole nodes are passed over where no source of this block can reach them: those of other modules.
    const touched = new Uint8Array(count);
    for (const [at, source] of chunk.entries()) {
      const word = source * words + (at >>> 5);
      reached[word] = (reached[word] ?? 0) | (1 << (at & 31));
      touched[source] = 1;
    }
    for (let node = 0; node < count; node++) {
      const own = node * words;
      for (let edge = starts[node] ?? 0; edge < (starts[node + 1] ?? 0); edge++) {
        const from = below[edge] ?? 0;
        if (touched[from] === 0) continue;
        touched[node] = 1;
        for (let word = 0; word < words; word++) reached[own + word] = (reached[own + word] ?? 0) | (reached[from * words + word] ?? 0);
      }
      if (touched[node] === 1 && counted(node)) for (let word = 0; word < words; word++) pairs += bitsIn(reached[own + word] ?? 0);
    }
  }
  return pairs;
};
