/**
 * What an optimization of one's own is written against: the contract that the built-ins use too, and what each benchmark that asks a policy says and
 * wants to hear. See docs/plug-ins.md.
 */
export type { BuildContext, BuildResult, BuildVariant, Calibration, Matrix, ModelView, Products } from './contract/build.js';
export type { Subject } from './contract/optimization.js';
export type { EpisodeStart, Policy } from './contract/policy.js';
export type { BatchingAction, BatchingObservation, BatchingSetting } from './optimizations/adaptive-batching/exchange.js';
export type { PoolSearchAction, PoolSearchObservation, PoolSearchSetting, ServeAction as PoolServeAction, ServeObservation as PoolServeObservation, ServeSetting as PoolServeSetting, } from './optimizations/architecture-search/exchange.js';
export type { MemberShape as PoolShape } from './optimizations/architecture-search/options.js';
export type { SearchAction as ConfigurationAction, SearchObservation as ConfigurationObservation, SearchSetting as ConfigurationSetting, } from './optimizations/automl/exchange.js';
export type { FeedbackAction, FeedbackObservation, FeedbackSetting } from './optimizations/feedback-control/exchange.js';
export type { ModelFacts, ServeHints, Stage } from './records/serving.js';
export type { Json } from './records/words.js';
