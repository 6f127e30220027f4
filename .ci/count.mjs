// Prints "N passed, N failed[, N skipped]" from vitest's JSON report and fails unless everything passed.
// Plain JavaScript for the machine's own Node. Arguments: the report, the exit status of `npm test`.
import { existsSync, readFileSync } from 'node:fs';

const [, , path = '', status = '1'] = process.argv;
const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
if (report === null) console.log('The tests did not run: packages, lint or types failed (see above).');

const passed = report?.numPassedTests ?? 0;
const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
// A file that cannot be loaded has no test that could fail: it counts as one.
const unloaded =
  report?.testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'))
    .length ?? 0;
const counted = (report?.numFailedTests ?? 0) + unloaded;
const failed = counted === 0 && (status !== '0' || passed === 0) ? 1 : counted;

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
