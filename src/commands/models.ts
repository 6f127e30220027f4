import { resolve } from 'node:path';
import { verbOf } from '../config/command-table.ts';
import { asGateError, GateError } from '../errors.ts';
import { readModel } from '../onnx/read.ts';
import { describeArchitecture } from '../onnx/recognise/describe.ts';
import { recogniseParts } from '../onnx/recognise/recognise.ts';
import { modelIds, openModel } from '../planning/model-folder.ts';
import type { Json } from '../records/words.ts';
import { significant } from '../report/number.ts';
import type { CommandContext } from '../run/context.ts';
import { aligned, type CommandOutput } from './command-output.ts';

/**
 * `models list [ID…]` describes the models that can be named; `models verify [ID…]` checks every file of each against its card;
 * `models inspect FILE.onnx` tells what was recognised in a graph. Throws `usage-unknown-command`, `usage-bad-value` and, for
 * `inspect`, what is wrong with the file.
 */
export const modelsCommand = (operands: readonly string[], context: CommandContext): CommandOutput => {
  const [word, ...names] = operands;
  switch (verbOf('models', word)) {
    case 'list':
      return list(names, context);
    case 'verify':
      return verify(names, context);
    case 'inspect':
      return inspect(names, context);
  }
};

type Row = { readonly id: string; readonly error: string | null } & { readonly [key: string]: Json };

/** Opening a model checks its files, so that a damaged one is never listed as good. */
const rowsOf = (names: readonly string[], context: CommandContext): readonly Row[] =>
  (names.length > 0 ? names : modelIds(context.root, context.packageRoot)).map((id): Row => {
    try {
      const { facts, digest, card } = openModel(id, context.root, context.packageRoot);
      return {
        id,
        family: facts.family,
        parameters: card.parameters,
        layers: facts.layers,
        perplexity: card.quality['perplexity'] ?? null,
        licence: card.licence,
        files: Object.keys(card.sha256).length,
        sha256: digest,
        error: null,
      };
    } catch (thrown) {
      const error = asGateError(thrown);
      return { id, error: `${error.code}: ${error.message}${error.where === null ? '' : ` (${error.where})`}` };
    }
  });

const cell = (value: Json | undefined): string => (value === undefined || value === null ? '–' : String(value));

const answerOf = (rows: readonly Row[], head: readonly string[], columns: (row: Row) => readonly string[]): CommandOutput => ({
  exitCode: rows.some(({ error }) => error !== null) ? 2 : 0,
  text: rows.length === 0 ? 'There is no folder models/ID with a card.json.' : aligned([head, ...rows.map(columns)]),
  json: rows,
});

const list = (names: readonly string[], context: CommandContext): CommandOutput =>
  answerOf(rowsOf(names, context), ['model', 'family', 'parameters', 'layers', 'perplexity', 'licence', 'sha256'], (row) =>
    row.error !== null
      ? [row.id, row.error]
      : [
          row.id,
          cell(row['family']),
          cell(row['parameters']),
          cell(row['layers']),
          typeof row['perplexity'] === 'number' ? significant(row['perplexity'], 4) : '–',
          cell(row['licence']),
          cell(row['sha256']).slice(0, 12),
        ],
  );

const verify = (names: readonly string[], context: CommandContext): CommandOutput =>
  answerOf(rowsOf(names, context), ['model', 'files'], (row) => [
    row.id,
    row.error ?? `all ${cell(row['files'])} as on the card, sha256 ${cell(row['sha256'])}`,
  ]);

const inspect = (names: readonly string[], context: CommandContext): CommandOutput => {
  const [file, extra] = names;
  if (file === undefined || extra !== undefined)
    throw new GateError('usage-bad-value', 'Expected one ONNX file, as in `models inspect FILE.onnx`, got none or several.', {
      where: 'models inspect',
    });
  const architecture = recogniseParts(readModel(resolve(context.root, file)));
  return { exitCode: 0, text: describeArchitecture(architecture), json: architecture as unknown as Json };
};
