import type { Prompt } from '../contract/generation.ts';
import type { Tools } from '../contract/player.ts';
import { GateError } from '../errors.ts';
import type { ArtefactRef, LaunchRequest } from '../records/protocol.ts';
import type { EvaluationWindows, ModelFacts } from '../records/serving.ts';
import type { ArmId } from '../records/words.ts';
import { promptRows } from '../runtime/prompt.ts';
import { greedySession } from '../runtime/serving-session.ts';
import { deriveSeed, seededRandom } from '../statistics/random.ts';
import { ArmError, armArtefact, forArm } from './arm.ts';
import { requireScores } from './evaluation.ts';
import type { LaunchTools } from './launch-tools.ts';
import type { ModelPool } from './model-pool.ts';
import type { PolicyHost } from './policy-process.ts';

/** What the tools of one turn are made from. */
export interface PlayerSetting {
  readonly request: LaunchRequest;
  readonly tools: LaunchTools;
  readonly pool: ModelPool;
  /** Null: this arm has no policy. */
  readonly policy: PolicyHost | null;
}

/** All that a player may touch while it plays one arm; `seed` is that of the turn. What goes wrong in them is that arm's. */
export const playerTools = (setting: PlayerSetting, arm: ArmId, point: string, seed: number): Tools => {
  const { request, tools, pool, policy } = setting;
  const artefacts = request.artefacts[arm] ?? {};
  const artefactOf = (variant: string): ArtefactRef => {
    const artefact = Object.hasOwn(artefacts, variant) ? artefacts[variant] : undefined;
    if (artefact === undefined) throw new GateError('internal', `There is no variant ${variant}.`, { where: `${request.launch} ${arm}` });
    return artefact;
  };
  return {
    model: tools.facts,
    variants: Object.keys(artefacts),
    differing: Object.keys(artefacts).filter((variant) => isDiffering(request, variant)),
    session: async (variant, sessionOptions) => {
      const held = await forArm(arm, () => pool.hold(artefactOf(variant), sessionOptions));
      const session = greedySession(held.model, tools.prompts.images);
      return {
        prefill: (prompt) => {
          tools.beat(point);
          return forArm(arm, () => session.prefill(prompt));
        },
        decode: (steps) => {
          tools.beat(point);
          return forArm(arm, () => session.decode(steps));
        },
        get cacheBytes() {
          return session.cacheBytes;
        },
        release: () => held.release(),
      };
    },
    nllDelta: (variant, windows) => nllDelta(request, tools, arm, artefactOf(variant), windows),
    inspect: async (variant, weights = null) => {
      const { inspectVariant } = await import('./inspection.ts');
      const [of, artefact] = variant === null ? (['reference', armArtefact(request, 'reference')] as const) : [arm, artefactOf(variant)];
      return forArm(of, () => inspectVariant(artefact, of, weights));
    },
    prompt: (batch, length) => promptOf(tools.prompts, tools.facts, batch, length, seed),
    policy: async (episode) => {
      if (policy === null) throw new GateError('internal', `There is no program of ${arm}.`, { where: request.launch });
      const started = await forArm(arm, () => policy.start({ point, seed, setting: episode }));
      return {
        next: (observation) => {
          tools.beat(point);
          return forArm(arm, () => started.next(observation));
        },
      };
    },
    clock: tools.clock,
    random: seededRandom(deriveSeed(seed, 'player')),
    unforeseen: seededRandom(deriveSeed(seed, 'unforeseen', request.scratch.secret)),
  };
};

const isDiffering = ({ artefacts: { base, head } }: LaunchRequest, variant: string): boolean => {
  if (base === undefined || head === undefined) return true;
  const digests = [base, head].map((own) => (Object.hasOwn(own, variant) ? own[variant]?.digest : undefined));
  return !digests.includes(undefined) && digests[0] !== digests[1];
};

/** Rows too short for an image are text alone. */
const promptOf = (windows: EvaluationWindows, facts: ModelFacts, batch: number, length: number, seed: number): Prompt => {
  if (!Number.isInteger(length) || length < 1 || length > facts.context || !Number.isInteger(batch) || batch < 1)
    throw new GateError(
      'option-invalid',
      `A prompt of ${batch} × ${length} tokens was to be made. The context of the model is ${facts.context} tokens.`,
    );
  const imaged = windows.images === null ? 0 : windows.images.patches;
  const source = imaged > length / 2 ? { ...windows, images: null } : windows;
  return promptRows(source, facts.vocabulary, batch, length, seed);
};

const nllDelta = async (
  request: LaunchRequest,
  tools: LaunchTools,
  arm: ArmId,
  artefact: ArtefactRef,
  windows: number,
): Promise<number> => {
  const reference = request.artefacts['reference'];
  const scored = { ...request, artefacts: { ...(reference === undefined ? {} : { reference }), head: { main: artefact } } };
  try {
    const values = await requireScores({ id: 'nll', kind: 'evaluation', windows, arms: ['reference', 'head'] }, scored, tools);
    const [own = [], reference = []] = [values['head']?.['nll'], values['reference']?.['nll']];
    return own.reduce((sum, nll, window) => sum + nll - (reference[window] ?? Number.NaN), 0) / Math.max(1, own.length);
  } catch (thrown) {
    // Scored as head, whichever arm it is.
    throw thrown instanceof ArmError && thrown.arm === 'head' ? new ArmError(arm, thrown.cause) : thrown;
  }
};
