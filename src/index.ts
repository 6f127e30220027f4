/** What an optimization of one's own is written against: the contract that the built-ins use too. See docs/plug-ins.md. */
export type {
  BuildContext,
  BuildResult,
  Calibration,
  EpisodeStart,
  ModelFacts,
  ModelView,
  Policy,
  ServeHints,
  Stage,
  Subject,
} from './optimizations/contract.ts';
export type { Json } from './records/words.ts';
