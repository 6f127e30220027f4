/** How many weights of an output are left: `kept` of every `of` consecutive inputs, or all but a share. */
export type Density = { readonly kept: number; readonly of: number } | { readonly zeros: number };

/** Positions of the `count` smallest scores from `start` on become zero in `weights`; of equal scores the later ones. */
const dropSmallest = (weights: Float32Array, scores: Float64Array, start: number, from: number, length: number, count: number): void => {
  const gone = new Set<number>();
  for (let drop = 0; drop < count; drop += 1) {
    let least = -1;
    for (let at = from; at < from + length; at += 1)
      if (!gone.has(at) && (least < 0 || (scores[at] as number) <= (scores[least] as number))) least = at;
    gone.add(least);
    weights[start + least] = 0;
  }
};

/** The same for many: one sort instead of a scan per position. */
const dropShare = (weights: Float32Array, scores: Float64Array, start: number, count: number): void => {
  if (count === 0) return;
  const threshold = scores.toSorted()[count - 1] as number;
  let equal = count;
  for (const score of scores) if (score < threshold) equal -= 1;
  for (let at = scores.length - 1; at >= 0; at -= 1) {
    const score = scores[at] as number;
    if (score > threshold || (score === threshold && equal === 0)) continue;
    if (score === threshold) equal -= 1;
    weights[start + at] = 0;
  }
};

/**
 * A copy of `weights` [outputs, inputs] with the least important weights of every output at zero: Wanda's comparison group, one output
 * (Sun, Liu, Bair and Kolter 2023, arXiv 2306.11695). With N:M the groups are runs of M inputs; a shorter last one keeps up to N as well.
 * @param scoreOf importance, not negative, of the weight at a position of `weights` and `input` of its output
 */
export const masked = (
  weights: Float32Array,
  inputs: number,
  density: Density,
  scoreOf: (at: number, input: number) => number,
): Float32Array => {
  const out = weights.slice();
  const scores = new Float64Array(inputs);
  for (let start = 0; start < out.length; start += inputs) {
    for (let input = 0; input < inputs; input += 1) scores[input] = scoreOf(start + input, input);
    if ('zeros' in density) dropShare(out, scores, start, Math.round(inputs * density.zeros));
    else
      for (let from = 0; from < inputs; from += density.of) {
        const length = Math.min(density.of, inputs - from);
        dropSmallest(out, scores, start, from, length, Math.max(0, length - density.kept));
      }
  }
  return out;
};
