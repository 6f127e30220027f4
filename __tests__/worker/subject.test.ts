import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { openModelSource } from '../../src/models/model-source.ts';
import { buildReference } from '../../src/models/reference.ts';
import { serveSubject } from '../../src/worker/subject.ts';
import { packageRoot } from '../commands/project.ts';
import { roots } from '../runtime/tiny-model.ts';
import { testFolder } from '../testkit/folder.ts';

const source = join(packageRoot, 'models', 'mini-qwen3-vl');

/** Answers of one subject process, one after the other. */
const answersTo = async (questions: readonly unknown[]): Promise<readonly unknown[]> => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  input.end(questions.map((question) => `${JSON.stringify(question)}\n`).join(''));
  await serveSubject(input, output, { roots, module: null });
  output.end();
  const text = (await output.toArray()).join('');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
};

const bytesIn = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('base64')]));

const asFound = { ratio: 0.25 };
/** Variants of every built-in that makes some: two of one optimization, of which one process makes one after the other. */
const variants: readonly (readonly [string, unknown, { readonly name: string; readonly options: unknown }])[] = [
  ['architecture-search', {}, { name: 'narrow', options: { depth: 1, width: 0.5 } }],
  ['architecture-search', {}, { name: 'shallow', options: { depth: 0.5, width: 0.5 } }],
  ['structured-pruning', asFound, { name: 'main', options: asFound }],
  ['tensor-decomposition', {}, { name: 'main', options: {} }],
  ['sparse-network', {}, { name: 'main', options: {} }],
  ['sparse-network', { storage: 'dense' }, { name: 'dense-with-zeros', options: { storage: 'dense' } }],
  ['sparse-attention', { pattern: 'window' }, { name: 'fixed-window', options: { pattern: 'window' } }],
  ['modular-components', {}, { name: 'structured-pruning-then-modules', options: {} }],
];

test('what a process built before changes no byte of what it builds next', async () => {
  const folder = testFolder();
  const untouched = join(folder, 'untouched');
  mkdirSync(untouched);
  const input = { folder: untouched, stages: buildReference(openModelSource(source), untouched) };
  const question = (output: string, [optimization, options, variant]: (typeof variants)[number]) => {
    mkdirSync(join(folder, output));
    return { do: 'build', optimization, source, options, variant, seed: 1, input, output: join(folder, output) };
  };
  const together = [...variants, ...variants.toReversed()];
  const answers = await answersTo(together.map((variant, at) => question(`together-${at}`, variant)));
  expect(answers).toEqual(together.map(() => ({ ok: expect.anything() })));
  const alone: (typeof answers)[number][] = [];
  for (const [at, variant] of variants.entries()) alone.push(...(await answersTo([question(`alone-${at}`, variant)])));
  const made = (name: string): Readonly<Record<string, string>> => bytesIn(join(folder, name));
  for (const at of variants.keys()) {
    expect(answers[at]).toEqual(alone[at]);
    for (const again of [at, together.length - 1 - at]) expect(made(`together-${again}`)).toEqual(made(`alone-${at}`));
  }
  expect(new Set(variants.map((_, at) => JSON.stringify(made(`alone-${at}`)))).size).toBe(variants.length);
});
