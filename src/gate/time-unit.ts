/** Seconds in the units that times are given in. */
const seconds: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, µs: 1e-6, us: 1e-6, ns: 1e-9 };

/** Seconds in one of this unit; null where it is no unit of time. */
export const secondsIn = (unit: string): number | null => (Object.hasOwn(seconds, unit) ? (seconds[unit] ?? null) : null);
