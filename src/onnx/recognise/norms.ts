import type { NodeProto } from '../proto/onnx_pb.js';
import type { Norm } from './architecture.ts';
import { type Dataflow, nodeId } from './dataflow.ts';

const fused: ReadonlyMap<string, number> = new Map([
  ['SimplifiedLayerNormalization', 1],
  ['RMSNormalization', 1],
  ['LayerNormalization', 1],
  ['SkipSimplifiedLayerNormalization', 2],
  ['SkipLayerNormalization', 2],
]);
const chain = new Set(['Mul', 'Div', 'Cast', 'Sqrt', 'Reciprocal', 'Add', 'Sub', 'ReduceMean', 'Pow', 'Identity']);
const longestChain = 12;

/** Product with a vector at the end of x ÷ √(mean(x²) + ε): walks up at most a dozen nodes to the mean. */
const composite = (flow: Dataflow, node: NodeProto): Norm | null => {
  if (node.opType !== 'Mul') return null;
  const weight = node.input.map((name) => flow.constant(name)).find((each) => each !== null);
  const start = node.input.find((name) => flow.constant(name) === null);
  if (weight === undefined || weight === null || weight.dims.length !== 1 || start === undefined) return null;
  const queue = [start];
  for (let at = 0; at < queue.length && at < longestChain; at += 1) {
    const above = flow.producer(queue[at] ?? '');
    if (above === undefined || !chain.has(above.opType)) continue;
    if (above.opType !== 'ReduceMean') {
      queue.push(...above.input.filter((name) => flow.constant(name) === null));
      continue;
    }
    const square = flow.producer(above.input[0] ?? '');
    // A mean of something else is the one that a layer norm takes off first.
    if (square?.opType !== 'Pow' && square?.opType !== 'Mul') continue;
    const centred = flow.producer(square.input[0] ?? '');
    const input = (centred?.opType === 'Sub' ? centred.input[0] : square.input[0]) ?? '';
    return { node: nodeId(node), op: 'ReduceMean', input, output: node.output[0] ?? '', weight: weight.name, length: weight.dims[0] ?? 0 };
  }
  return null;
};

/** Layer and root-mean-square normalisations, fused or spelled out. */
export const findNorms = (flow: Dataflow): readonly Norm[] => {
  const found: Norm[] = [];
  for (const node of flow.nodes) {
    const slot = fused.get(node.opType);
    if (slot === undefined) {
      const norm = composite(flow, node);
      if (norm !== null) found.push(norm);
      continue;
    }
    const weight = flow.constant(node.input[slot] ?? '');
    if (weight === null) continue;
    found.push({
      node: nodeId(node),
      op: node.opType,
      input: node.input[0] ?? '',
      output: node.output[0] ?? '',
      weight: weight.name,
      length: weight.dims.at(-1) ?? 0,
    });
  }
  return found;
};
