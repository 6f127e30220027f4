/** Every output of the action, once: action.yml and the documentation are generated from this. */
export const outputTable = {
  verdict: 'the verdict of the run: passed, regressed, failed, inconclusive, unfit, error or nothing-to-compare',
  'exit-code': 'exit status of the verdict: 0 nothing regressed, 1 a regression or a failure, 2 usage or configuration, 3 undecided',
  regressions: 'how many metrics regressed',
  improvements: 'how many metrics improved',
  inconclusive: 'how many metrics could not be decided',
  missing: 'how many expected metrics are missing or failed',
  'report-json': 'path of report.json',
  'report-folder': 'folder with report.json, comment.md, summary.txt, coverage.json and index.html',
  'coverage-judged': 'how many metrics were judged',
  'coverage-total': 'how many metrics there are',
  'runner-class': 'fingerprint of hardware and runtime that the numbers belong to',
} as const satisfies Record<string, string>;
