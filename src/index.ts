/** What an optimization of one's own is written against: the contract that the built-ins use too. See docs/plug-ins.md. */
export type {
  BuildContext,
  BuildResult,
  Calibration,
  EpisodeStart,
  Matrix,
  ModelFacts,
  ModelView,
  Policy,
  Products,
  ServeHints,
  Stage,
  Subject,
} from './optimizations/contract.ts';
export type { Json } from './records/words.ts';
