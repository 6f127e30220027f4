import { type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { GateError } from '../errors.ts';
import type { Json } from '../records/words.ts';

/** `FILE:LINE:COLUMN` of the deepest part of the path that is in the file: its value, or the key that names it. */
export type Place = (path: readonly PropertyKey[], part?: 'key' | 'value') => string;

/** A YAML text as data, and where each part of it stands. */
export interface ConfigText {
  readonly value: Json;
  readonly place: Place;
}

/** More than any configuration that a person writes. */
const largestBytes = 256 * 1024;
const deepest = 32;
/** Uses of anchors: enough for tidy files, too few to blow up. */
const mostAliases = 64;

const syntax = (message: string, where: string): GateError => new GateError('config-syntax', message, { where });

/** What is well-formed YAML and still refused: depth, `__proto__`, too many aliases. */
const refuse = (document: Document, placeAt: (offset: number | undefined) => string): void => {
  let aliases = 0;
  visit(document, (_key, node, parents) => {
    const offset = isNode(node) ? node.range?.[0] : isPair(node) && isNode(node.key) ? node.key.range?.[0] : undefined;
    if (parents.filter((parent) => isMap(parent) || isSeq(parent)).length > deepest)
      throw syntax(`Values are nested more than ${deepest} deep.`, placeAt(offset));
    if (isAlias(node) && ++aliases > mostAliases) throw syntax(`The file has more than ${mostAliases} aliases.`, placeAt(offset));
    if (isAlias(node) && node.resolve(document) === undefined) throw syntax(`There is no anchor "${node.source}".`, placeAt(offset));
    if (isPair(node) && isScalar(node.key) && node.key.value === '__proto__') throw syntax('A key is named "__proto__".', placeAt(offset));
  });
};

/**
 * Reads YAML 1.2 as hostile input: at most 256 KiB, one document, string keys, no duplicate keys, no unknown tags, few
 * aliases, bounded depth. An empty text is an empty map. Throws `config-too-large` or `config-syntax` with the place.
 */
export const readConfigText = (text: string, file: string): ConfigText => {
  const bytes = Buffer.byteLength(text);
  if (bytes > largestBytes)
    throw new GateError('config-too-large', `The configuration was read. Expected at most ${largestBytes} bytes, got ${bytes}.`, {
      where: file,
    });
  const lines = new LineCounter();
  const placeAt = (offset: number | undefined): string => {
    if (offset === undefined) return file;
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  try {
    const document = parseDocument(text.replace(/^\uFEFF/, ''), {
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: true,
      version: '1.2',
    });
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw syntax(`${problem.message}.`.replace(/\.\.$/, '.'), placeAt(problem.pos[0]));
    refuse(document, placeAt);
    const place: Place = (path, part = 'value') => {
      let node: unknown = document.contents;
      let found = isNode(node) ? node.range?.[0] : undefined;
      for (const [depth, step] of path.entries()) {
        if (isAlias(node)) node = node.resolve(document);
        const pair = isMap(node) ? node.items.find((item) => isScalar(item.key) && item.key.value === step) : undefined;
        node = isSeq(node) ? node.items[Number(step)] : pair?.value;
        const shown = isNode(node) && (part === 'value' || depth < path.length - 1) ? node : (pair?.key ?? node);
        if (isNode(shown) && shown.range) found = shown.range[0];
      }
      return placeAt(found);
    };
    return { value: (document.toJS({ maxAliasCount: mostAliases }) ?? {}) as Json, place };
  } catch (thrown) {
    if (thrown instanceof GateError) throw thrown;
    const message =
      thrown instanceof RangeError ? 'Values are nested too deep.' : thrown instanceof Error ? thrown.message : String(thrown);
    throw new GateError('config-syntax', message, { where: file, cause: thrown });
  }
};
