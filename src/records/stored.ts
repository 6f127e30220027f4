/** What the store keeps beside artefacts, and says of them. */
import { z } from 'zod';
import { serveHints, stage } from './protocol.ts';
import { seenPoint } from './sample.ts';
import { type Immutable, jsonValue, sha256, values } from './words.ts';

/** `about` of an artefact's manifest. */
export const artefactAbout = z.strictObject({
  stages: z.array(stage).min(1),
  serve: serveHints,
  spare: z.int().nonnegative(),
  bytes: z.number().nonnegative(),
});

/** Record `build`, by build key: what that code made of that model. */
export const buildRecord = z.strictObject({
  artefact: sha256,
  content: sha256,
  seconds: z.number().nonnegative().nullable(),
  facts: values,
});
export type BuildRecord = Immutable<z.infer<typeof buildRecord>>;

/** Record `tuned`: the comparator of a cell on one runner class. */
export const tunedRecord = z.strictObject({ value: jsonValue });

/** Record `seen`: that an arm ran a point to its end on one runner class. */
export const seenRecord = seenPoint;

/** Record `solo`: what one arm alone in its process gave on one runner class. */
export const soloRecord = z.strictObject({
  at: z.iso.datetime(),
  series: z.record(z.string(), z.array(z.number())),
  warnings: z.array(z.string()),
});
export type SoloRecord = Immutable<z.infer<typeof soloRecord>>;
