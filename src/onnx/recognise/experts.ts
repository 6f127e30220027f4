import { integerAttribute } from '../model.ts';
import type { NodeProto } from '../proto/onnx_pb.js';
import type { Experts, Router } from './architecture.ts';
import { type Dataflow, nodeId } from './dataflow.ts';
import { type LinearsByOutput, walkUp } from './walk.ts';

const integral = new Set([6, 7]);
const shaping = new Set(['Reshape', 'Expand', 'OneHot', 'Tile']);

const routerOf = (flow: Dataflow, index: LinearsByOutput, node: NodeProto, count: number): Router | string => {
  const walk = walkUp(flow, index, node.input[1] ?? '');
  const linear = walk?.linears[0];
  if (walk === null || linear === undefined || walk.linears.length !== 1 || linear.columns !== count)
    return `the router of ${nodeId(node)} is not one linear with ${count} outputs`;
  const perExpert: Router['perExpert'][number][] = [];
  const counts: Router['counts'][number][] = [];
  for (const passed of walk.nodes)
    for (const [input, name] of passed.input.entries()) {
      const tensor = flow.initializer(name);
      if (tensor === undefined) continue;
      const axis = tensor.dims.length - 1;
      if (integral.has(tensor.dataType)) {
        if (shaping.has(passed.opType) && flow.integers(name)?.includes(count)) counts.push({ node: nodeId(passed), input });
      } else if (Number(tensor.dims[axis] ?? 0) === count) perExpert.push({ node: nodeId(passed), tensor: name, axis });
    }
  return { linear, perExpert, counts };
};

/** The experts of a node, or in words why they are not understood. */
const expertsOf = (flow: Dataflow, index: LinearsByOutput, node: NodeProto): Experts | string => {
  const quantized = node.opType === 'QMoE';
  const upSlot = 2;
  const downSlot = quantized ? 5 : 4;
  const up = flow.initializer(node.input[upSlot] ?? '');
  const down = flow.initializer(node.input[downSlot] ?? '');
  if (up === undefined || down === undefined || up.dims.length !== 3 || down.dims.length !== 3)
    return `the weights of ${nodeId(node)} are not two stacked initializers`;
  const [count = 0, rows = 0] = up.dims.map(Number);
  const storedWidth = Number(down.dims[2] ?? 0);
  const width = quantized ? (storedWidth * 8) / integerAttribute(node, 'expert_weight_bits', 4) : storedWidth;
  const chosen = integerAttribute(node, 'k', 1);
  if (!Number.isSafeInteger(width) || chosen < 1 || chosen > count || (rows !== width && rows !== 2 * width))
    return `the experts of ${nodeId(node)} contradict each other: ${chosen} of ${count}, ${rows} rows for a width of ${width}`;
  const router = routerOf(flow, index, node, count);
  if (typeof router === 'string') return router;
  const fusion = integerAttribute(node, 'swiglu_fusion', 0);
  const fused = rows === 2 * width ? 2 : 1;
  const layout = fused === 1 ? 'single' : fusion === 2 ? 'concatenated' : 'interleaved';
  const extras = node.input.flatMap((tensor, slot) =>
    slot > 1 && slot !== upSlot && slot !== downSlot && flow.initializer(tensor) !== undefined ? [{ slot, tensor }] : [],
  );
  return {
    kind: 'experts',
    op: quantized ? 'QMoE' : 'MoE',
    node: nodeId(node),
    input: node.input[0] ?? '',
    output: node.output[0] ?? '',
    count,
    chosen,
    width,
    up: up.name,
    fused,
    layout,
    down: down.name,
    extras,
    quantized,
    router,
  };
};

/** Fused expert operators and their routers; and in words those whose weights or router are not understood. */
export const findExperts = (
  flow: Dataflow,
  index: LinearsByOutput,
): { readonly experts: readonly Experts[]; readonly unread: readonly string[] } => {
  const found = flow.nodes.filter((node) => node.opType === 'MoE' || node.opType === 'QMoE').map((node) => expertsOf(flow, index, node));
  return { experts: found.filter((each) => typeof each !== 'string'), unread: found.filter((each) => typeof each === 'string') };
};
