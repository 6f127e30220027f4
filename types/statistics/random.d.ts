/**
 * A deterministic stream of numbers in [0, 1) with 32 bits each: a counter of period 2^32, mixed. For orders and
 * choices, not for secrets. `seed` is taken modulo 2^32.
 */
export declare const seededRandom: (seed: number) => (() => number);
/** A uint32 seed for one purpose: equal seed and labels give the same one; the bounds of the labels count (`a`,`b` is not `ab`). */
export declare const deriveSeed: (seed: number, ...labels: readonly string[]) => number;
/** A new array in an order drawn from `random` (Fisher-Yates); the input stays as it is. */
export declare const shuffled: <T>(items: readonly T[], random: () => number) => T[];
