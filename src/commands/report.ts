import { join } from 'node:path';
import { staleness } from '../baselines/staleness.ts';
import type { Published } from '../host/contract.ts';
import { ownProject } from '../planning/own-project.ts';
import { projectName } from '../planning/project-name.ts';
import { encodeDocument } from '../records/decode.ts';
import type { Verdict } from '../records/verdict.ts';
import { annotations } from '../report/annotations.ts';
import type { TimeTaken } from '../report/context.ts';
import { coverageDocument } from '../report/coverage.ts';
import { historyOf, tracesOf } from '../report/evidence.ts';
import { reportDocument } from '../report/json.ts';
import { commentBody, summaryMarkdown } from '../report/markdown.ts';
import { summaryText } from '../report/text.ts';
import type { CommandContext } from '../run/context.ts';
import { type RunFolder, readBaselines, readPlan, readRunSamples, writeReport } from '../run/run-folder.ts';

export interface ReportSetting {
  readonly columns: number;
  readonly colour: boolean;
  readonly runUrl: string | null;
  /** Null: nothing was measured for this report. */
  readonly took: TimeTaken | null;
}

export interface Reports extends Published {
  /** The text of report.json. */
  readonly json: string;
}

/** Writes report/ (report.json, comment.md, summary.txt, coverage.json, index.html) and returns what is to be published. */
export const writeReports = async (context: CommandContext, run: RunFolder, verdict: Verdict, setting: ReportSetting): Promise<Reports> => {
  const { plan, digest } = readPlan(run);
  const own = ownProject(context, plan);
  const baselines = readBaselines(run).baselines.filter((file) => file.project === own);
  const evidence = {
    history: historyOf(baselines, verdict.runnerClass),
    traces: tracesOf(readRunSamples(run, plan, digest).samples.launches),
  };
  // The library that draws is loaded only here: parsing it would cost most of the start.
  const { indexHtml } = await import('../report/page/page.ts');
  const cells = verdict.cells.map(({ id }) => id);
  const project = projectName(context.options);
  const shown = {
    project,
    // Nobody knows the merge commit that the host made for this run.
    headCommit: plan.reviewed ?? plan.head.commit,
    baseCommit: plan.base?.commit ?? null,
    runUrl: setting.runUrl,
    took: setting.took,
    staleness: staleness(baselines, cells, context.now().toISOString()),
  };
  const comment = commentBody(verdict, shown);
  const json = encodeDocument(reportDocument(verdict, setting.took));
  const report = join(run.reportFolder, 'index.html');
  writeReport(run, {
    'report.json': json,
    'comment.md': comment,
    'summary.txt': `${summaryText(verdict, { columns: 100, colour: false, took: setting.took, report })}\n`,
    'coverage.json': encodeDocument(coverageDocument(verdict)),
    'index.html': indexHtml(verdict, shown, evidence),
  });
  return {
    comment,
    json,
    summary: summaryMarkdown(verdict, shown),
    text: summaryText(verdict, { columns: setting.columns, colour: setting.colour, took: setting.took, report }),
    annotations: annotations(verdict),
    opensComment: verdict.verdict !== 'nothing-to-compare',
    severity: severityOf(verdict.verdict),
    project,
  };
};

const severityOf = (verdict: Verdict['verdict']): Published['severity'] => {
  if (verdict === 'passed' || verdict === 'nothing-to-compare') return 'fine';
  return verdict === 'inconclusive' ? 'undecided' : 'bad';
};
