import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { appendSummary, MAX_SUMMARY_BYTES } from '../../../src/host/github/summary.ts';
import { inertLines } from '../../../src/host/github/workflow-command.ts';
import { testFolder } from '../../testkit/folder.ts';
import { workflowCommands } from '../../testkit/run-action.ts';

describe('job summary', () => {
  test.each([
    ['lines', 'a line of ünïcode\n'],
    ['one endless line of wide characters', '🙂'],
  ])('stays within 1 MiB and leaves room for a note: %s', async (_, unit) => {
    const path = join(testFolder(), 'summary.md');
    expect(await appendSummary(path, unit.repeat(400_000), 'report')).toBe(true);
    expect(await appendSummary(path, '> a note', 'note')).toBe(true);
    const text = readFileSync(path, 'utf8');
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_SUMMARY_BYTES);
    expect(Buffer.byteLength(text)).toBeGreaterThan(MAX_SUMMARY_BYTES - 20_000);
    expect(text.includes('\ufffd')).toBe(false);
    expect(text.slice(-200)).toMatch(/_The rest is left out: [^\n]*_\n\n> a note\n\n$/);
  });

  test('keeps what other steps of the job wrote, and adds nothing to a full one', async () => {
    const path = join(testFolder(), 'summary.md');
    writeFileSync(path, 'before\n');
    await appendSummary(path, 'text\n\n\n', 'report');
    expect(readFileSync(path, 'utf8')).toBe('before\ntext\n\n');
    writeFileSync(path, 'x'.repeat(MAX_SUMMARY_BYTES));
    expect(await appendSummary(path, 'more', 'report')).toBe(false);
    expect(await appendSummary(undefined, 'text', 'report')).toBe(false);
  });
});

describe('workflow commands in text', () => {
  const hostile = [
    '::error::x',
    '  \t::stop-commands::x',
    '\u00a0::add-mask::x',
    '\u0085::error::x',
    '\u2003::error::x',
    'a ##[error]x',
    ':::error::x',
    '####[error]x',
    '\u001b::error::x',
    '::::x::',
  ];

  test.each(hostile)('%j is printed, not obeyed', (text) => {
    expect(workflowCommands(inertLines(text).join('\n'))).toEqual([]);
  });

  test('the runner of these tests would obey them, and other text stays as it is', () => {
    expect(workflowCommands('::error file=a%3Ab,line=3::x%0Ay')).toEqual([
      { name: 'error', properties: { file: 'a:b', line: '3' }, message: 'x\ny' },
    ]);
    expect(workflowCommands(' a ##[error]x')).toHaveLength(1);
    const plain = 'std::vector a::b\n# heading\n\ttabbed';
    expect(inertLines(plain).join('\n')).toBe(plain);
  });
});
