import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { GateError } from '../errors.ts';
import { runSession, type Session } from './session.ts';

/** One module of a pipeline, in memory. */
export interface OpenStage {
  readonly id: string;
  readonly session: Session;
}

type Feeds = InferenceSession.OnnxValueMapType;
type Port = InferenceSession.TensorValueMetadata;

/** What a stage does in one kind of call. */
interface Step {
  readonly stage: OpenStage;
  readonly inputs: readonly string[];
  /** Outputs that are asked for, by the caller or by a later step. */
  readonly outputs: readonly string[];
}

const mismatch = (message: string, where: string): GateError =>
  new GateError('stages-mismatch', `The ONNX files of the model were put together. They do not fit: ${message}.`, { where });

const portsOf = (values: readonly InferenceSession.ValueMetadata[], where: string): readonly Port[] =>
  values.map((value) => {
    if (!value.isTensor)
      throw new GateError(
        'onnx-unsupported',
        `The ONNX files of the model were put together. Expected ${JSON.stringify(value.name)} to be a tensor, got something else.`,
        { where },
      );
    return value;
  });

const shapeText = ({ type, shape }: Port): string => `${type} [${shape.join(', ')}]`;

/** Two fixed sizes must be equal; a symbolic one is settled at run time. The runtime tells an unknown shape as an empty one. */
const fits = (a: Port, b: Port): boolean =>
  a.type === b.type &&
  (a.shape.length === 0 ||
    b.shape.length === 0 ||
    (a.shape.length === b.shape.length &&
      a.shape.every((size, axis) => typeof size !== 'number' || typeof b.shape[axis] !== 'number' || size === b.shape[axis])));

interface Wiring {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly stages: readonly { readonly stage: OpenStage; readonly inputs: readonly Port[]; readonly outputs: readonly Port[] }[];
}

const wired = (stages: readonly OpenStage[]): Wiring => {
  const made = new Map<string, { readonly port: Port; readonly by: string }>();
  const given = new Map<string, { readonly port: Port; readonly by: string }>();
  const handed = new Set<string>();
  const known = stages.map((stage) => ({
    stage,
    inputs: portsOf(stage.session.inputMetadata, stage.id),
    outputs: portsOf(stage.session.outputMetadata, stage.id),
  }));
  for (const { stage, inputs, outputs } of known) {
    for (const port of inputs) {
      const name = JSON.stringify(port.name);
      const from = made.get(port.name);
      const other = from ?? given.get(port.name);
      if (other !== undefined && !fits(other.port, port))
        throw mismatch(
          `of tensor ${name}, ${other.by} ${from === undefined ? 'reads' : 'makes'} ${shapeText(other.port)} and ${stage.id} reads ${shapeText(port)}`,
          stage.id,
        );
      if (from !== undefined) handed.add(port.name);
      else if (other === undefined) given.set(port.name, { port, by: stage.id });
    }
    for (const port of outputs) {
      const name = JSON.stringify(port.name);
      const twice = made.get(port.name);
      if (twice !== undefined) throw mismatch(`tensor ${name} is made twice, by ${twice.by} and ${stage.id}`, stage.id);
      const early = given.get(port.name);
      if (early !== undefined) throw mismatch(`tensor ${name} is read by ${early.by}, but made only after it, by ${stage.id}`, stage.id);
      made.set(port.name, { port, by: stage.id });
    }
  }
  return {
    stages: known,
    inputs: [...given.values()].map(({ port }) => port),
    outputs: [...made.values()].map(({ port }) => port).filter((port) => !handed.has(port.name)),
  };
};

/** The stages that are needed for these outputs, each with what it must give. */
const stepsFor = (wiring: Wiring, fetched: readonly string[]): readonly Step[] => {
  const wanted = new Set(fetched);
  const steps: Step[] = [];
  for (const { stage, inputs, outputs } of [...wiring.stages].reverse()) {
    const own = outputs.map(({ name }) => name).filter((name) => wanted.has(name));
    if (own.length === 0) continue;
    const reads = inputs.map(({ name }) => name);
    for (const name of reads) wanted.add(name);
    steps.unshift({ stage, inputs: reads, outputs: own });
  }
  return steps;
};

const runStep = async (step: Step, known: Feeds, fetches: InferenceSession.FetchesType): Promise<Feeds> => {
  const feeds: Record<string, Tensor> = {};
  for (const name of step.inputs) {
    const value = known[name];
    if (value !== undefined) feeds[name] = value;
  }
  try {
    return await runSession(step.stage.session, feeds, fetches);
  } catch (thrown) {
    if (!(thrown instanceof GateError) || thrown.where !== null) throw thrown;
    throw new GateError(thrown.code, thrown.message, { where: `stage ${step.stage.id}`, cause: thrown });
  }
};

/**
 * Stages that hand tensors on by name, as one session: it reads what no stage before makes and gives what no stage after reads. A run
 * leaves out stages that nothing fetched depends on. A run into the outputs of an earlier one writes over the tensors handed on
 * in it too, so that nothing is allocated: such runs take turns. Owns the sessions from here on.
 * Throws `stages-mismatch`, naming the tensor and the stages: element types, ranks or fixed sizes that differ, a tensor made twice, or made
 * after it is read.
 */
export const pipelineSession = (stages: readonly OpenStage[]): Session => {
  const wiring = wired(stages);
  const plans = new Map<string, readonly Step[]>();
  const buffers = new WeakMap<object, Feeds>();
  const planOf = (fetched: readonly string[]): readonly Step[] => {
    const key = fetched.join('\n');
    const steps = plans.get(key) ?? stepsFor(wiring, fetched);
    plans.set(key, steps);
    return steps;
  };
  return {
    inputMetadata: wiring.inputs,
    outputMetadata: wiring.outputs,
    run: async (feeds, fetches) => {
      const into = isNames(fetches) ? null : fetches;
      const fetched = isNames(fetches) ? fetches : Object.keys(fetches);
      const earlier = into === null ? {} : (buffers.get(into) ?? {});
      const known: Record<string, Tensor> = { ...feeds };
      const handed: Record<string, Tensor> = {};
      for (const step of planOf(fetched)) {
        const own =
          into === null ? step.outputs : Object.fromEntries(step.outputs.map((name) => [name, into[name] ?? earlier[name] ?? null]));
        for (const [name, tensor] of Object.entries(await runStep(step, known, own))) {
          known[name] = tensor;
          handed[name] = tensor;
        }
      }
      const outputs = Object.fromEntries(fetched.flatMap((name) => (handed[name] === undefined ? [] : [[name, handed[name]]])));
      for (const name of fetched) delete handed[name];
      buffers.set(outputs, handed);
      return outputs;
    },
    release: async () => {
      for (const { session } of stages) await session.release();
    },
  };
};

const isNames = (fetches: InferenceSession.FetchesType): fetches is readonly string[] => Array.isArray(fetches);
