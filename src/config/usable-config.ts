import { GateError } from '../errors.ts';
import type { Json } from '../records/words.ts';
import { type Config, configOf, configurationLine, parseConfig } from './config.ts';
import { type Place, readConfigText } from './document.ts';
import { type Flaw, flawOf } from './flaw.ts';
import { type ConfigProblem, configError, configProblems } from './problem.ts';
import { type ConfigDefaults, configSchema } from './schema.ts';

/** What can be used of a configuration, and what is wrong with the rest of it. */
export interface UsableConfig {
  readonly config: Config;
  readonly flaws: readonly Flaw[];
}

type Path = readonly PropertyKey[];
type Node = Json | undefined;

/** Keys of an entry without which it still runs the same program. */
const sparedKeys: ReadonlySet<PropertyKey> = new Set(['points', 'inputs']);

/**
 * The smallest part without which the rest keeps its meaning, or null where that is the whole file:
 * which cells there are must not depend on a mistake.
 */
const partOf = ({ path, unknownKey }: ConfigProblem): Path | null => {
  const [section, entry, key] = path;
  // As another user than was meant, code under test could do more.
  if (section === undefined || section === 'isolation') return null;
  if (section === 'models' || section === 'optimizations') {
    if (entry === undefined) return null;
    const spared = section === 'optimizations' && key !== undefined && (sparedKeys.has(key) || (unknownKey && path.length === 3));
    return spared ? [section, entry, key] : [section, entry];
  }
  if (section === 'budget') return [section];
  if (section === 'environment') return path.slice(0, 2);
  return section === 'gate' && (entry === 'tolerance' || entry === 'require') ? path.slice(0, 3) : path.slice(0, 2);
};

const at = (node: Node, path: Path): Node =>
  path.reduce<Node>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step) ? (value as Record<PropertyKey, Json>)[step] : undefined,
    node,
  );

/** A copy without the part. */
const without = (node: Node, [step, ...rest]: Path): Json => {
  if (Array.isArray(node)) {
    if (rest.length === 0) return node.filter((_, index) => index !== step) as Json;
    return node.map((value: Json, index: number) => (index === step ? without(value, rest) : value)) as Json;
  }
  const entries = Object.entries((node ?? {}) as Record<string, Json>);
  if (rest.length === 0) return Object.fromEntries(entries.filter(([key]) => key !== step));
  return Object.fromEntries(entries.map(([key, value]) => [key, key === step ? without(value, rest) : value]));
};

/** `optimizations.our-pruning.points`: entries by id, which stays when others are added before it. */
const partName = (document: Json, part: Path): string =>
  part
    .map((step, depth) => {
      const value = depth === 1 && typeof step === 'number' ? at(document, part.slice(0, 2)) : undefined;
      return String(typeof value === 'object' && value !== null && 'id' in value ? value.id : (value ?? step));
    })
    .join('.');

/** More mistakes than this are a file of something else. */
const mostFlaws = 200;

/**
 * Reads a configuration as `parseConfig` does, but leaves out what is wrong with parts of it: a key
 * that does not exist, a value of the wrong kind, an entry that cannot be run. Throws what
 * `parseConfig` throws where nothing is left that says which cells there are.
 */
export const readUsableConfig = (text: string, where: string, defaults: ConfigDefaults): UsableConfig => {
  const schema = configSchema(defaults);
  const { value, place } = readConfigText(text, where);
  let document = value;
  // Where the entries that are left stood in the file.
  let places: Readonly<Record<string, readonly number[]>> = {};
  const placeNow: Place = (path, part) => {
    const [section, entry, ...rest] = path;
    const stood = typeof entry === 'number' ? places[String(section)]?.[entry] : undefined;
    return stood === undefined || section === undefined ? place(path, part) : place([section, stood, ...rest], part);
  };
  const flaws: Flaw[] = [];
  /** What is wrong with the file as it stands: without a part it may be wrong in a way that nobody wrote. */
  let written: readonly ConfigProblem[] | null = null;
  for (;;) {
    const outcome = schema.safeParse(document);
    if (outcome.success) return { config: configOf(outcome.data, where, document, placeNow, defaults), flaws };
    const problems = configProblems(outcome.error.issues, placeNow);
    written ??= problems;
    const [problem] = problems;
    const part = problem === undefined ? null : partOf(problem);
    if (problem === undefined || part === null || flaws.length === mostFlaws) throw configError(written, place);
    flaws.push(flawOf(partName(document, part), at(document, part) ?? null, configError([problem], place)));
    const [section, entry] = part;
    if (part.length === 2 && typeof entry === 'number') {
      const list = at(document, [section ?? '']);
      const stood = places[String(section)] ?? (Array.isArray(list) ? [...list.keys()] : []);
      places = { ...places, [String(section)]: stood.filter((_, index) => index !== entry) };
    }
    document = without(document, part);
  }
};

const optimizationsLine = /^["']?optimizations["']?\s*:/m;

/**
 * What can be used of the configuration that some file holds, or null for a text that is something
 * else: an empty one, one that is no map, one with other keys. Throws what `readUsableConfig` throws
 * for a text with `optimizations:` at its top.
 */
export const findUsableConfig = (text: string, where: string, defaults: ConfigDefaults): UsableConfig | null => {
  if (!new RegExp(configurationLine, 'm').test(text)) return null;
  try {
    return { config: parseConfig(text, where, defaults), flaws: [] };
  } catch (thrown) {
    if (!(thrown instanceof GateError) || !optimizationsLine.test(text)) return null;
    return readUsableConfig(text, where, defaults);
  }
};
