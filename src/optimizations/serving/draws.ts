/** How often a trace is drawn anew at most; less often where fewer draws tell goodput to within half a percent. */
export const draws = { rounds: 200, enough: { within: { goodput: 0.005 }, least: 24 } } as const;
