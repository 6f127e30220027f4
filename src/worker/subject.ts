import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import type { BuildResult } from '../contract/build.ts';
import type { Subject } from '../contract/optimization.ts';
import type { Policy } from '../contract/policy.ts';
import { asGateError, GateError } from '../errors.ts';
import { readWindows } from '../models/evaluation.ts';
import { openSubjectSource } from '../models/model-source.ts';
import { findOptimization } from '../optimizations/registry.ts';
import { decodeDocument } from '../records/decode.ts';
import { type ToSubject, toSubject } from '../records/protocol.ts';
import type { Json } from '../records/words.ts';
import { type ObservationMemory, openCalibration, openObservationMemory } from '../runtime/calibration.ts';
import { openProducts } from '../runtime/product.ts';

const maxLine = 1 << 20;
/** What is remembered of the calibration for further builds of the same input. */
const rememberedBytes = 128 * 2 ** 20;

export interface SubjectModule {
  /** Where the native runtime is looked for. */
  readonly roots: readonly string[];
  /** A user's JavaScript module with the published contract; null: the built-in of the request. */
  readonly module: string | null;
}

/**
 * The subject process of the built-in optimizations: one JSON line in, one JSON line out. It runs in the tree of its own
 * arm, never in the process that measures. Anything printed besides goes to standard error.
 */
export const serveSubject = async (input: Readable, output: Writable, setting: SubjectModule): Promise<void> => {
  const answering = { policy: policyOf(setting), memory: memoryOf(setting) };
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    let answer: unknown;
    try {
      // A user's code may return nothing at all: as null it is an answer whose shape is refused in words.
      answer = { ok: (await answerTo(decodeDocument(toSubject, line, 'standard input', maxLine), setting, answering)) ?? null };
    } catch (thrown) {
      const error = asGateError(thrown, 'subject-crashed');
      answer = { error: error.message, code: error.code };
    }
    output.write(`${JSON.stringify(answer)}\n`);
  }
};

type BuildRequest = Extract<ToSubject, { do: 'build' }>;

/** What outlives one answer. */
interface Answering {
  readonly policy: {
    start(request: Extract<ToSubject, { do: 'start' }>): Promise<null>;
    next(observation: Json): Promise<Json>;
  };
  memory(request: BuildRequest): ObservationMemory | null;
}

const answerTo = async (request: ToSubject, setting: SubjectModule, { policy, memory }: Answering): Promise<unknown> => {
  switch (request.do) {
    case 'hello':
      return { contract: 1 };
    case 'build':
      return build(request, setting, memory(request)).catch((thrown: unknown) => {
        throw asGateError(thrown, 'build-failed');
      });
    case 'start':
      return policy.start(request);
    case 'next':
      return policy.next(request.observation);
  }
};

/** What the windows showed in the latest model that was built on. A user's code may change what it is shown, and is shown it anew. */
const memoryOf = ({ module }: SubjectModule): Answering['memory'] => {
  let latest: { readonly of: string; readonly memory: ObservationMemory } | null = null;
  return ({ source, input }) => {
    if (module !== null) return null;
    const of = JSON.stringify([source, input]);
    if (latest?.of !== of) latest = { of, memory: openObservationMemory(rememberedBytes) };
    return latest.memory;
  };
};

/** The policy of the episode under way. */
const policyOf = ({ module }: SubjectModule): Answering['policy'] => {
  let running: Policy | null = null;
  return {
    start: async ({ optimization: id, episode }) => {
      const { subject, options } = await subjectOf(id, module, episode.options);
      if (subject.start === undefined)
        throw new GateError(
          'subject-protocol',
          `The module ${module ?? id} was loaded, to take decisions. Expected it to export \`start\`, found none.`,
        );
      running = await subject.start({ ...episode, options });
      return null;
    },
    next: async (observation) => {
      if (running === null)
        throw new GateError('subject-protocol', 'The program was asked for its next action. No episode has been started.');
      return running.next(observation);
    },
  };
};

/** A user's module has options of its own; those of a built-in were checked when the run was planned, and are again. */
const subjectOf = async (id: string, module: string | null, options: Json): Promise<{ subject: Subject; options: Json }> => {
  if (module !== null) return { subject: await loadSubject(module), options };
  const optimization = findOptimization(id);
  if (optimization === null)
    throw new GateError('optimization-unknown', `A built-in optimization was looked for. There is none called ${JSON.stringify(id)}.`);
  return { subject: await optimization.subject(), options: optimization.benchmark.options.parse(options, 'options') as Json };
};

const build = async (request: BuildRequest, { roots, module }: SubjectModule, memory: ObservationMemory | null): Promise<BuildResult> => {
  const { subject, options } = await subjectOf(request.optimization, module, request.options);
  if (subject.build === undefined)
    throw new GateError(
      'subject-protocol',
      `The module ${module ?? request.optimization} was loaded, to build. Expected it to export \`build\`, found none.`,
    );
  const source = openSubjectSource(request.source);
  const windows = readWindows(join(source.folder, 'calibration.safetensors'), source.config);
  const calibration = openCalibration({ input: request.input, windows, roots, memory });
  const products = openProducts(roots);
  try {
    return await subject.build({
      model: source.facts,
      input: request.input,
      options,
      variant: request.variant,
      output: request.output,
      seed: request.seed,
      calibration,
      products,
    });
  } finally {
    await calibration.release();
    await products.release();
  }
};

/** A module that exports `build` and/or `start`; throws `subject-protocol` when it exports neither. */
const loadSubject = async (file: string): Promise<Subject> => {
  const loaded: Readonly<Record<string, unknown>> = await import(pathToFileURL(file).href);
  if (typeof loaded['build'] !== 'function' && typeof loaded['start'] !== 'function')
    throw new GateError('subject-protocol', 'The module was loaded. Expected it to export `build` or `start`, found neither.', {
      where: file,
    });
  return loaded as Subject;
};
