import { describe, expect, it } from 'vitest';
import { busyHeadText, busyHeadWarning } from '../../src/records/busy-head.ts';
import { type Asked, judged, judgedMetric, metric, type PullRequest } from './external.ts';

/** Head's times are those of base `times` over; it was busy in the first `busy` screening launches, and in all later ones or in none. */
const asked = (times: number, busy: number, later = true, more: Partial<PullRequest> = {}): PullRequest => ({
  metrics: [metric()],
  program: ({ arm, index, round }: Asked) => ({
    latency: 50 * (arm === 'head' ? times : 1) * Math.exp(1e-3 * Math.sin(7 * round + index)),
  }),
  warnings: ({ purpose, index }) => ((purpose === 'screen' ? index < busy : later) ? [busyHeadWarning] : []),
  ...more,
});

describe('a head that is busy while base is asked', () => {
  it('leaves times undecided, better ones too, and asks for no launches to make them comparable', () => {
    const reason = `${busyHeadText}, in 5 of 5 launches; let it rest between its answers`;
    expect(judgedMetric(asked(1, 5))).toMatchObject({ verdict: 'inconclusive', run: 'inconclusive', reason, warnings: [busyHeadText] });
    expect(judgedMetric(asked(0.5, 5))).toMatchObject({ verdict: 'inconclusive', run: 'inconclusive', reason });
    expect(judged(asked(1, 5)).launches).toBe(5);
  });

  it('takes no regression back', () => {
    expect(judgedMetric(asked(1.2, 5))).toMatchObject({ verdict: 'regressed', run: 'regressed', reason: null });
  });

  it('is no regression that base accepts: how much worse it is was not measured', () => {
    const policy = { accepted: [{ cell: 'mini/engine', metric: 'latency', bound: 0.3, expires: '2026-12-31', reason: 'r' }] };
    expect(judgedMetric(asked(1.2, 5, true, { policy }))).toMatchObject({ verdict: 'inconclusive', run: 'inconclusive' });
    expect(judgedMetric(asked(1.2, 0, false, { policy }))).toMatchObject({ verdict: 'passed', run: 'passed' });
  });

  it('counts where most screening launches say so', () => {
    expect(judgedMetric(asked(1, 3)).verdict).toBe('inconclusive');
    expect(judgedMetric(asked(1, 2)).verdict).toBe('passed');
    expect(judgedMetric(asked(0.5, 0)).verdict).toBe('improved');
  });

  it('says nothing of a size', () => {
    const size = metric({ id: 'size', unit: 'bytes', kind: 'exact', tolerance: 0 });
    expect(judgedMetric(asked(1, 5, true, { metrics: [size], program: () => ({ size: 7 }) })).verdict).toBe('passed');
  });
});
