import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { faults } from '../acceptance/faults.ts';

// `npm run acceptance` makes them, and looks for the verdict.
it.each(faults)('the fault in $optimization ($what) can be made', ({ file, from }) => {
  expect(readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8').split(from)).toHaveLength(2);
});
