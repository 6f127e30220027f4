/**
 * A search as a policy (`module:`, `like: automl`): it is told what may be chosen, asks for one trial after the other, and says in the end what
 * it found. This one draws at random (Bergstra and Bengio, JMLR 2012), which every other search should beat.
 */

/** A small generator with a seed (mulberry32): the same seed must search the same way. */
const seeded = (seed) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let h = Math.imul(state ^ (state >>> 15), state | 1);
    h ^= h + Math.imul(h ^ (h >>> 7), h | 61);
    return ((h ^ (h >>> 14)) >>> 0) / 2 ** 32;
  };
};

export const start = async ({ setting, options }) => {
  const bound = setting['nll-bound'] * (options.slack ?? 1);
  const random = seeded(setting.seed);
  const drawn = () => Object.fromEntries(setting.options.map(({ id, values }) => [id, values[Math.floor(random() * values.length)]]));
  const allowed = [];
  return {
    next: async ({ configuration, latency, left, 'nll-delta': loss }) => {
      if (loss <= bound) allowed.push({ configuration, latency });
      if (left > 0) return { try: drawn(), calls: setting.calls };
      return { found: allowed.reduce((best, each) => (each.latency < best.latency ? each : best)).configuration };
    },
  };
};
