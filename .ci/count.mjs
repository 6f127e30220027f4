// Prints "N passed, N failed[, N skipped]" from vitest's JSON reports and fails unless everything passed.
// Plain JavaScript for the machine's own Node. Arguments: for each run its report and its exit status.
import { existsSync, readFileSync } from 'node:fs';

/** What one run adds to the last line; tests that a shard left out are neither skipped nor failed. */
const countOf = (path, status) => {
  const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
  if (report === null) console.log(`The tests of ${path} did not run: packages, lint or types failed (see above).`);
  const passed = report?.numPassedTests ?? 0;
  // A file that cannot be loaded has no test that could fail: it counts as one.
  const unloaded =
    report?.testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'))
      .length ?? 0;
  const counted = (report?.numFailedTests ?? 0) + unloaded;
  const failed = counted === 0 && (status !== '0' || passed === 0) ? 1 : counted;
  return { passed, failed, skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0) };
};

const runs = [];
for (let at = 2; at < Math.max(process.argv.length, 3); at += 2) runs.push(countOf(process.argv[at] ?? '', process.argv[at + 1] ?? '1'));
const sum = (pick) => runs.reduce((total, each) => total + pick(each), 0);
const skipped = runs[0]?.skipped ?? 0;
const failed = sum((each) => each.failed);
console.log(`${sum((each) => each.passed)} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
