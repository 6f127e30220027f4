/**
 * What an optimization of one's own is written against: the contract that the built-ins use too, and what each benchmark that asks a policy says and
 * wants to hear. See docs/plug-ins.md.
 */

export type { BuildContext, BuildResult, BuildVariant, Calibration, Matrix, ModelView, Products } from './contract/build.ts';
export type { Subject } from './contract/optimization.ts';
export type { EpisodeStart, Policy } from './contract/policy.ts';
export type { BatchingAction, BatchingObservation, BatchingSetting } from './optimizations/adaptive-batching/exchange.ts';
export type {
  PoolSearchAction,
  PoolSearchObservation,
  PoolSearchSetting,
  ServeAction as PoolServeAction,
  ServeObservation as PoolServeObservation,
  ServeSetting as PoolServeSetting,
} from './optimizations/architecture-search/exchange.ts';
export type { MemberShape as PoolShape } from './optimizations/architecture-search/options.ts';
export type {
  SearchAction as ConfigurationAction,
  SearchObservation as ConfigurationObservation,
  SearchSetting as ConfigurationSetting,
} from './optimizations/automl/exchange.ts';
export type { FeedbackAction, FeedbackObservation, FeedbackSetting } from './optimizations/feedback-control/exchange.ts';
export type { ModelFacts, ServeHints, Stage } from './records/serving.ts';
export type { Json } from './records/words.ts';
