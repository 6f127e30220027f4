import type { CommandText } from './command-text.ts';
import { type CommandTree, commandFiles, valueFiles } from './command-tree.ts';
import { escaped } from './command-words.ts';
import { copiedVersions } from './copied-manifests.ts';
import { type GateNames, gateTexts, withCallers } from './gate-texts.ts';
import type { NamedOnSides } from './manifest-versions.ts';
import { library, type NamedVersion } from './named-version.ts';
import { holdersIn, installSpecs } from './runtime-installs.ts';
import { specValues, type ValueSource } from './spec-values.ts';

const sourceOf = (tree: CommandTree, texts: readonly CommandText[]): ValueSource => {
  const known = new Map<string, Promise<readonly CommandText[]>>();
  const look = async (name: string): Promise<readonly CommandText[]> => {
    const paths = await tree.with(`(^|[^[:alnum:]_-])${escaped(name)}["']?[[:space:]]*[?:+]?[=:]`, [...commandFiles, ...valueFiles]);
    const files = await Promise.all(paths.map(async (path) => ({ path, text: path.endsWith('.json') ? await tree.fileAt(path) : null })));
    const data = files.flatMap(({ path, text }) => (text === null ? [] : [{ path, part: null, text, data: {} }]));
    return [...(await tree.textsOf(paths.filter((path) => !path.endsWith('.json')))), ...data];
  };
  return {
    texts,
    fileAt: tree.fileAt,
    assigning: (name) => {
      const found = known.get(name) ?? look(name);
      known.set(name, found);
      return found;
    },
  };
};

/** What some texts install, each value of a variable on its own; `around`: texts that give them their values. */
const versionsIn = async (
  tree: CommandTree,
  texts: readonly CommandText[],
  around: readonly CommandText[],
): Promise<readonly NamedVersion[]> => {
  const source = sourceOf(tree, around);
  const holders = holdersIn(texts);
  const found: NamedVersion[] = [...(await copiedVersions(tree, around))];
  for (const { spec, of, at } of texts.flatMap((text) => installSpecs(text, holders)))
    for (const said of await specValues(spec, { of, at }, source)) found.push({ ...said, detail: null });
  return found;
};

/**
 * What workflows and scripts of both sides install: those that lead to the gate, and those that they start; all that name the package
 * where none of these does.
 */
export const installedVersions = async (base: CommandTree, head: CommandTree, names: GateNames): Promise<NamedOnSides> => {
  const sides = [base, head];
  const reached = await Promise.all(sides.map((tree) => gateTexts(tree, names)));
  const ofGate = await Promise.all(sides.map((tree, at) => versionsIn(tree, reached[at] ?? [], reached[at] ?? [])));
  if (ofGate.some((each) => each.length > 0)) return { base: ofGate[0] ?? [], head: ofGate[1] ?? [] };
  const [was = [], is = []] = await Promise.all(
    sides.map(async (tree) => {
      const texts = await tree.textsOf(await tree.with(library));
      return versionsIn(tree, texts, await withCallers(tree, texts));
    }),
  );
  return { base: was, head: is };
};
