import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CallPoint } from '../records/metric.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import { providerFacts } from '../records/provider.ts';
import type { ArmId } from '../records/words.ts';
import type { RoundColumns } from './rounds.ts';

/**
 * Sessions that each compared arm gets in one launch. Where weights and buffers come to lie in memory moves the time of a small model's
 * step by several percent for as long as they lie there (ADR 11), so one session would say more about its place than about its artefact.
 */
const sessionsPerArm = 3;
/** Artefacts up to this size; the weights of larger ones come from memory, wherever they lie, and several sessions would need too much of it. */
const mostBytes = 32 * 2 ** 20;

/** Arms whose sessions are placed anew. */
export const isCompared = (arm: ArmId): boolean => arm === 'base' || arm === 'head';

/** A step waits for weights and past from memory; a prefill is mostly arithmetic, and hardly depends on its place. */
export const isPlaceBound = ({ phase }: CallPoint): boolean => phase === 'decode';

/** Files of one artefact; 0 for one that is not there, which whoever opens it will say. */
const folderBytes = (folder: string): number =>
  existsSync(folder) ? readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) : 0;

/** How many sessions a compared arm of this launch gets, one after the other: the same in every launch that tests a step of a cell. */
export const placementsOf = (request: LaunchRequest): number => {
  const tested = request.purpose === 'screen' || request.purpose === 'confirm' || request.purpose === 'requirement';
  const bound = request.points.some((point) => point.kind === 'call' && isPlaceBound(point));
  if (!tested || !bound || !providerFacts(request.runtime.provider).placed) return 1;
  const folders = request.arms.filter(isCompared).flatMap((arm) => request.artefacts[arm]?.['main']?.folder ?? []);
  return folders.every((folder) => folderBytes(folder) <= mostBytes) ? sessionsPerArm : 1;
};

/** The share of something whole that placement `at` of `count` gets: all shares together are the whole. */
export const share = (whole: number, at: number, count: number): number =>
  Math.floor((whole * (at + 1)) / count) - Math.floor((whole * at) / count);

/** Rounds that each placement warms up: its share, but two where there are as many. */
export const warmUpShare = (whole: number, count: number): number => Math.max(Math.min(2, whole), Math.ceil(whole / count));

/** Series of the same arms, one after the other. */
export const joinedColumns = (parts: readonly RoundColumns[]): RoundColumns => {
  const all: RoundColumns = {};
  for (const part of parts)
    for (const [arm, series] of Object.entries(part)) {
      const own = all[arm] ?? {};
      all[arm] = own;
      for (const [name, values] of Object.entries(series)) own[name] = [...(own[name] ?? []), ...values];
    }
  return all;
};
