import type { Verdict } from '../records/verdict.ts';
import { someNames } from './cause.ts';
import { plain } from './escape.ts';
import { failures } from './failure.ts';
import { listedMetrics, metricName } from './listed-metric.ts';
import { allowanceText, changeText, counted, isCompared, passage, probabilityText, quantity } from './number.ts';
import { boundText, listedRequirements } from './requirements.ts';

export interface ReportAnnotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
}

/** GitHub shows ten of each level per step. */
export const annotationLimit = 10;

/**
 * At most ten annotations: regressions first (the worst first), then requirements that are not met, then what failed or is missing; the last one counts what had no
 * room. Titles have at most 200 characters, messages at most 1,000; both are single lines without control characters.
 */
export const annotations = (verdict: Verdict): readonly ReportAnnotation[] => {
  const all: readonly ReportAnnotation[] = [
    ...listedMetrics(verdict, 'regressed').map(({ cell, metric }) => ({
      level: 'error' as const,
      title: plain(`Regressed: ${metricName(metric)} of ${cell.id}`, 200),
      message: plain(
        [
          `${passage(metric.base, metric.head, metric.unit) ?? '–'} is ${changeText(metric)} against base, tolerance ${allowanceText(metric.tolerance, metric)}`,
          isCompared(metric) ? 'exact comparison' : `p ${probabilityText(metric.p)} over ${counted(metric.launches, 'launch', 'launches')}`,
          ...(metric.reason === null ? [] : [metric.reason]),
        ].join('; '),
        1000,
      ),
    })),
    ...listedRequirements(verdict)
      .filter(({ requirement }) => requirement.outcome === 'unmet')
      .map(({ cell, requirement }) => ({
        level: 'error' as const,
        title: plain(`Requirement not met: ${metricName({ id: requirement.metric, point: requirement.point })} of ${cell.id}`, 200),
        message: plain(`${quantity(requirement.head, requirement.unit)}, required ${boundText(requirement)}`, 1000),
      })),
    ...failures(verdict).map((failure) => ({
      level: 'error' as const,
      title: plain(
        `${failure.kind === 'failed' ? 'Failed' : 'Missing'}: ${someNames(
          failure.cells.map(({ id }) => id),
          2,
        )}`,
        200,
      ),
      message: plain(
        `${failure.metrics.length === 0 ? '' : `${failure.metrics.slice(0, 5).join(', ')}: `}${plain(failure.reason, 600)}${failure.remedy === null ? '' : ` What to do: ${failure.remedy}`}`,
        1000,
      ),
    })),
  ];
  if (all.length <= annotationLimit) return all;
  const shown = all.slice(0, annotationLimit - 1);
  return [
    ...shown,
    {
      level: 'error',
      title: `${counted(all.length - shown.length, 'more finding')}`,
      message: 'See the job summary and the pull-request comment.',
    },
  ];
};
