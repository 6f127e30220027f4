import { resolve } from 'node:path';
import { GateError } from '../errors.ts';
import { readModel } from '../onnx/read.ts';
import { describeArchitecture } from '../onnx/recognise/describe.ts';
import { recognise } from '../onnx/recognise/recognise.ts';
import type { CommandContext } from './context.ts';
import { modelIds, openModel } from './model-folder.ts';

/** `models list`, `models verify [ID]`, `models inspect FILE.onnx`. */
export const modelsCommand = async (operands: readonly string[], context: CommandContext): Promise<string> => {
  const [what = 'list', ...names] = operands;
  const ids = names.length > 0 ? names : modelIds(context.root, context.packageRoot);
  switch (what) {
    case 'list':
    case 'verify':
      // Opening a model checks every file against the digest on its card, so the list never shows a damaged one as good.
      return ids
        .map((id) => openModel(id, context.root, context.packageRoot))
        .map(
          ({ id, facts, digest, card }) =>
            `${id}  ${facts.family}, ${card.parameters} parameters, ${facts.layers} layers, sha256 ${digest.slice(0, 12)}`,
        )
        .join('\n');
    case 'inspect': {
      const [file] = names;
      if (file === undefined) throw new GateError('usage-bad-value', 'name the ONNX file: models inspect FILE.onnx');
      return describeArchitecture(recognise(readModel(resolve(context.root, file))));
    }
    default:
      throw new GateError('usage-unknown-command', `models has no ${JSON.stringify(what)}: list, verify, inspect`);
  }
};
