import { describe, expect, it } from 'vitest';
import { GateError } from '../../src/errors.ts';
import type { PolicyProcess } from '../../src/records/protocol.ts';
import { openPolicyHost } from '../../src/worker/policy-process.ts';

/** A program that greets, starts, and answers `next` with a text. */
const program = (answer: string): PolicyProcess => ({
  argv: [
    process.execPath,
    '-e',
    `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) =>
      console.log(JSON.parse(line).do === 'next' ? ${JSON.stringify(answer)} : '{"ok":null}'))`,
  ],
  cwd: process.cwd(),
  environment: {},
  confinement: { kind: 'marks', asRoot: [], argv: [] },
  optimization: 'feedback-control',
  options: {},
  reports: [],
  seconds: 30,
  memoryBytes: 2 ** 30,
});

const answerOf = async (answer: string): Promise<unknown> => {
  const host = openPolicyHost(program(answer), 'cell head');
  try {
    const policy = await host.start({ point: 'a', seed: 1, setting: null });
    return await policy.next({ step: 0 });
  } catch (thrown) {
    return thrown instanceof GateError ? thrown.code : thrown;
  } finally {
    await host.close();
  }
};

describe('the answer of a policy', () => {
  it('is what stands under ok', async () => {
    expect(await answerOf('{"ok":{"batch":3}}')).toEqual({ batch: 3 });
  });

  it.each([
    ['without a code', '{"error":"words"}', 'subject-crashed'],
    ['with a code of errors', '{"error":"words","code":"option-invalid"}', 'option-invalid'],
    ['with a code that is none', '{"error":"words","code":"constructor"}', 'subject-crashed'],
    ['with a code that blames the machine', '{"error":"words","code":"disk-full"}', 'subject-crashed'],
    ['with a code that blames git', '{"error":"words","code":"git-failed"}', 'subject-crashed'],
    ['beside an answer', '{"error":"words","ok":1}', 'subject-protocol'],
    ['with another field', '{"error":"words","more":1}', 'subject-protocol'],
  ])('may be an error %s', async (_what, answer, code) => {
    expect(await answerOf(answer)).toBe(code);
  });
});
