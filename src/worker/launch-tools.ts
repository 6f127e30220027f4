import type { SessionOptions } from '../contract/generation.ts';
import type { Player, Tools } from '../contract/player.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import type { ProcessFacts } from '../records/sample.ts';
import type { EvaluationWindows, ModelFacts } from '../records/serving.ts';
import type { LoadedModel } from '../runtime/decoder.ts';
import type { ScratchPlace } from '../store/scratch.ts';
import type { ScoreBook } from './score-book.ts';

/** What a launch may use. */
export interface LaunchTools {
  readonly openModel: (artefact: ArtefactRef, sessionOptions?: SessionOptions) => Promise<LoadedModel>;
  readonly facts: ModelFacts;
  /** Calibration text (and images): what timed calls and players are fed with. */
  readonly prompts: EvaluationWindows;
  /** The player of a built-in's episodes. */
  readonly player: (optimization: string) => Promise<Player>;
  readonly scores: ScoreBook;
  readonly scratch: ScratchPlace;
  readonly clock: Tools['clock'];
  readonly beat: (point: string) => void;
  readonly processFacts: (seconds: number) => ProcessFacts;
  /** Reads joules used so far, where there is a meter. */
  readonly energy: () => { joules(): number } | null;
}
