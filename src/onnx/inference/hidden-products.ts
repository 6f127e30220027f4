import { type OnnxModel, subgraphs } from '../model.ts';
import type { FunctionProto, NodeProto } from '../proto/onnx_pb.js';
import { shapeRule } from './shape-rules.ts';

const standardDomains: ReadonlySet<string> = new Set(['', 'ai.onnx', 'com.microsoft']);

/** `Op`, or `domain.Op` outside the standard domain. */
export const operatorName = (node: NodeProto): string =>
  node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`;

/** The shape rule of a node's operator, or undefined. */
export const ruleOf = (node: NodeProto): ReturnType<typeof shapeRule> =>
  standardDomains.has(node.domain) ? shapeRule(node.opType) : undefined;

/** Operators without a rule for their shapes that surely multiply no matrices. */
const weightless: ReadonlySet<string> = new Set(
  `AveragePool MaxPool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool MaxRoiPool RoiAlign MaxUnpool Resize Upsample GridSample
  CenterCropPad Col2Im DepthToSpace SpaceToDepth NonMaxSuppression Unique Compress RandomNormal RandomUniform Multinomial SequenceAt
  SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence ConcatFromSequence Optional OptionalHasElement
  OptionalGetElement StringNormalizer StringConcat StringSplit RegexFullMatch If Loop Scan SequenceMap`.split(/\s+/),
);

interface Body {
  readonly node: readonly NodeProto[];
}

/** The model-local functions that a node may call: stages that were joined may have several of one name. */
export const calledBy = (model: OnnxModel, node: NodeProto): readonly FunctionProto[] =>
  model.proto.functions.filter((local) => local.name === node.opType && local.domain === node.domain && local.overload === node.overload);

/** Domains in which the runtime has operators: its own goes before a local function of that name. */
const ofRuntime = /^(ai\.onnx|com\.microsoft|com\.ms|org\.pytorch\.aten)?(\..*)?$/;

/** Whether a call may be of a local function or of an operator: which one depends on the runtime and its opset. */
export const isEither = ({ domain }: NodeProto): boolean => ofRuntime.test(domain);

/** Bodies of branches, loops and functions, and whether each may multiply matrices: what is known of them so far. */
export type Bodies = Map<Body, boolean>;
/** Calls and graphs inside each other that are followed. */
export const deepest = 64;

const bodyMultiplies = (model: OnnxModel, body: Body, known: Bodies, depth: number): boolean => {
  const found = known.get(body);
  if (found !== undefined) return found;
  // Holds for a function that calls itself too, which no runtime takes.
  known.set(body, true);
  const multiplies =
    depth > deepest || body.node.some((inner) => inner.opType !== 'Constant' && mayMultiply(model, inner, known, depth + 1));
  known.set(body, multiplies);
  return multiplies;
};

/** Whether a node that has no rule may multiply matrices: in a nested graph, in a local function, or in an operator that is not known. */
export const mayMultiply = (model: OnnxModel, node: NodeProto, known: Bodies, depth = 0): boolean => {
  const called = calledBy(model, node);
  if (called.length > 0) return isEither(node) || called.some((body) => bodyMultiplies(model, body, known, depth));
  if (ruleOf(node) === undefined && !weightless.has(operatorName(node))) return true;
  return subgraphs(node).some((body) => bodyMultiplies(model, body, known, depth));
};
