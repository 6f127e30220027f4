import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { root } from './documentation.ts';

/** What stands for a value in a text. */
const value = '‹x›';

/** A text that a user can meet, as the source has it. */
export interface Written {
  /** `src/x.ts:12` */
  readonly place: string;
  /** Of an error, `any` where it is that of another one; null of a reason, a warning or a line of the log. */
  readonly code: string | null;
  readonly text: string;
  /** Whether the error names the file, key or folder beside its text. */
  readonly placed: boolean;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}
const isNode = (found: unknown): found is Node => typeof found === 'object' && found !== null && typeof (found as Node).type === 'string';

const childrenOf = (node: Node): readonly Node[] =>
  Object.values(node).flatMap((found) => (Array.isArray(found) ? found : [found]).filter(isNode));

/** One node of a list, or of a key. */
const at = (node: Node | undefined, key: string, index?: number): Node | undefined => {
  const found = node?.[key];
  const one = Array.isArray(found) ? found[index ?? 0] : found;
  return isNode(one) ? one : undefined;
};

/** `f` of `f`, `x.f` and `this.#f`. */
const nameOf = (node: Node | undefined): string => {
  if (node === undefined) return '';
  if (node.type === 'MemberExpression') return nameOf(at(node, 'property'));
  return node.type === 'Literal' ? String(node['value']) : String(node['name'] ?? '');
};

interface Reading {
  readonly text: string;
  readonly nodes: readonly Node[];
  readonly parents: ReadonlyMap<Node, Node>;
  readonly seen: ReadonlySet<Node>;
}

const readingOf = (text: string): Reading => {
  const program = parseAst(text, { lang: 'ts' }) as unknown as Node;
  const nodes: Node[] = [];
  const parents = new Map<Node, Node>();
  const visit = (node: Node): void => {
    nodes.push(node);
    for (const child of childrenOf(node)) {
      parents.set(child, node);
      visit(child);
    }
  };
  visit(program);
  return { text, nodes, parents, seen: new Set() };
};

/** More alternatives of one text than this are not told apart. */
const mostAlternatives = 24;

const product = (heads: readonly string[], tails: readonly string[]): readonly string[] =>
  heads.flatMap((head) => tails.map((tail) => head + tail)).slice(0, mostAlternatives);

const functions: ReadonlySet<string> = new Set(['ArrowFunctionExpression', 'FunctionExpression', 'FunctionDeclaration']);

const nameOfFunction = (node: Node, { parents }: Reading): string => {
  const parent = parents.get(node);
  if (node.type === 'FunctionDeclaration') return nameOf(at(node, 'id'));
  if (parent?.type === 'VariableDeclarator') return nameOf(at(parent, 'id'));
  return parent?.type === 'MethodDefinition' ? nameOf(at(parent, 'key')) : '';
};

const parametersOf = (node: Node): readonly string[] =>
  ((node['params'] as readonly Node[] | undefined) ?? []).map((each) =>
    nameOf(each.type === 'AssignmentPattern' ? at(each, 'left') : each),
  );

/** What a name stands for: the value that it was given, or what callers give a parameter of that name. */
const meaningsOf = (name: Node, reading: Reading): readonly Node[] => {
  const { nodes, parents } = reading;
  for (let scope = parents.get(name); scope !== undefined; scope = parents.get(scope)) {
    if (!functions.has(scope.type)) continue;
    const index = parametersOf(scope).indexOf(nameOf(name));
    const called = index < 0 ? '' : nameOfFunction(scope, reading);
    if (called !== '')
      return nodes.flatMap((each) =>
        each.type === 'CallExpression' && nameOf(at(each, 'callee')) === called ? (at(each, 'arguments', index) ?? []) : [],
      );
  }
  return nodes.flatMap((each) =>
    each.type === 'VariableDeclarator' && nameOf(at(each, 'id')) === nameOf(name) ? (at(each, 'init') ?? []) : [],
  );
};

/** What a function of the file returns. */
const returnsOf = (called: string, reading: Reading): readonly Node[] =>
  called === ''
    ? []
    : reading.nodes.flatMap((each) => {
        if (!functions.has(each.type) || nameOfFunction(each, reading) !== called) return [];
        const body = at(each, 'body');
        if (body === undefined || body.type !== 'BlockStatement') return body ?? [];
        return reading.nodes.flatMap((inner) =>
          inner.type === 'ReturnStatement' && inner.start >= body.start && inner.end <= body.end ? (at(inner, 'argument') ?? []) : [],
        );
      });

/** Calls that give a text back as a sentence. */
const ending = (texts: readonly string[]): readonly string[] => texts.map((text) => (/[.!?]$/.test(text) ? text : `${text}.`));

/** The texts that an expression may give; values in them are `‹x›`. Empty where another error's whole message is passed on. */
const textsOf = (node: Node | undefined, reading: Reading): readonly string[] => {
  if (node === undefined || reading.seen.has(node)) return [];
  const inner = { ...reading, seen: new Set([...reading.seen, node]) };
  const of = (key: string, index?: number): readonly string[] => textsOf(at(node, key, index), inner);
  switch (node.type) {
    case 'Literal':
      return typeof node['value'] === 'string' ? [node['value']] : [];
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
      return of('expression');
    case 'AwaitExpression':
      return of('argument');
    case 'ConditionalExpression':
      return [...of('consequent'), ...of('alternate')];
    case 'LogicalExpression':
      return [...of('left'), ...of('right')];
    case 'BinaryExpression':
      return product(partsOf(at(node, 'left'), inner), partsOf(at(node, 'right'), inner));
    case 'TemplateLiteral': {
      const quasis = (node['quasis'] as readonly { readonly value: { readonly cooked: string } }[]).map((each) => each.value.cooked);
      const expressions = node['expressions'] as readonly Node[];
      return expressions.reduce<readonly string[]>(
        (heads, each, index) => product(product(heads, partsOf(each, inner)), [quasis[index + 1] ?? '']),
        [quasis[0] ?? ''],
      );
    }
    case 'CallExpression': {
      const called = nameOf(at(node, 'callee'));
      if (called === 'asSentence') return ending(of('arguments'));
      if (called === 'lastOutput') return [`Its last output: ${value}`];
      return returnsOf(called, inner).flatMap((each) => textsOf(each, inner));
    }
    case 'Identifier':
      return meaningsOf(node, inner).flatMap((each) => textsOf(each, inner));
    default:
      return [];
  }
};

const structured: ReadonlySet<string> = new Set([
  'Literal',
  'ParenthesizedExpression',
  'TemplateLiteral',
  'BinaryExpression',
  'CallExpression',
]);

/** The same of a part of a text: what is no text is a value. */
const partsOf = (node: Node | undefined, reading: Reading): readonly string[] => {
  if (node?.type === 'ConditionalExpression')
    return [...partsOf(at(node, 'consequent'), reading), ...partsOf(at(node, 'alternate'), reading)];
  const texts = node !== undefined && structured.has(node.type) ? textsOf(node, reading) : [];
  return texts.length === 0 ? [value] : texts;
};

/** Calls whose argument is a line that a user reads. */
const saying = /(\blog\.(warn|info)|\bcache\.warn|\bwarnings\.push|^warn|^say)$/;
/** Calls whose argument is the reason of a number that is not there. */
const reasoning: Readonly<Record<string, number>> = { absent: 1, gapReason: 1, held: 1, noMeter: 1, lacks: 0 };
/** Keys whose value is a reason. */
const reasonKeys: ReadonlySet<string> = new Set(['reason', 'detail']);

const texts: ReadonlySet<string> = new Set(['Literal', 'TemplateLiteral']);
/** What can stand alone: in a note, a report, or the comment on a pull request. */
const sentence = /^[A-Z‹`].*[.:]$/s;

/** Folders whose texts are parts of a report. */
const clauses = /^src\/(gate|report)\//;

/** Whether a text is of the reference of options, of an error, which has rules of its own, or only a part of another. */
const isDescription = (node: Node, { parents }: Reading): boolean => {
  for (let above = parents.get(node); above !== undefined; above = parents.get(above)) {
    const called = above.type === 'CallExpression' || above.type === 'NewExpression' ? nameOf(at(above, 'callee')) : '';
    if (called === 'describe' || called === 'GateError' || above.type === 'BinaryExpression') return true;
  }
  return false;
};

const folders = /^src\/((gate|worker|optimizations|commands|host|baselines|measurement|report|repository|config)\/|action\.ts$)/;

/** Every error, reason, warning and line of the log in one file. */
const writtenIn = (path: string): readonly Written[] => {
  const text = readFileSync(join(root, path), 'utf8');
  const reading = readingOf(text);
  const source = (node: Node | undefined): string => (node === undefined ? '' : text.slice(node.start, node.end));
  return reading.nodes.flatMap((node): readonly Written[] => {
    const place = `${path}:${text.slice(0, node.start).split('\n').length}`;
    const written = (code: string | null, expression: Node | undefined, placed: boolean): readonly Written[] =>
      [...new Set(textsOf(expression, reading))].map((each) => ({ place, code, text: each, placed }));
    if (node.type === 'NewExpression' && nameOf(at(node, 'callee')) === 'GateError') {
      const codes = textsOf(at(node, 'arguments', 0), reading);
      const placed = /\bwhere\b|^options$/.test(source(at(node, 'arguments', 2)));
      return (codes.length === 0 ? ['any'] : codes).flatMap((each) => written(each, at(node, 'arguments', 1), placed));
    }
    if (!folders.test(path)) return [];
    if (node.type === 'Property' && reasonKeys.has(nameOf(at(node, 'key')))) return written(null, at(node, 'value'), true);
    if (texts.has(node.type) && !isDescription(node, reading)) {
      const sentences = textsOf(node, reading).filter(
        (each) => (sentence.test(each) || clauses.test(path)) && !each.includes('</') && wordsOf(each).length > 3,
      );
      return sentences.map((each) => ({ place, code: null, text: each, placed: true }));
    }
    if (node.type !== 'CallExpression') return [];
    const callee = source(at(node, 'callee'));
    const index = reasoning[callee];
    if (index !== undefined) return written(null, at(node, 'arguments', index), true);
    return saying.test(callee) ? written(null, at(node, 'arguments', 0), true) : [];
  });
};

/** Every text of `src` that tells a user of a fault. */
export const writtenMessages = (): readonly Written[] =>
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `src/${name.replaceAll('\\', '/')}`)
    .sort()
    .flatMap(writtenIn);

/** Words of the gate's own making. In an error nobody has explained a cell, a launch or an artefact yet; a report does. */
const ours = /\b(arms?|subjects?|seal(s|ed)?|poles?|screens?|lanes?|bench(es)?|yardsticks?|untouched|worktrees?|staging|shards?)\b/i;
const ofReports = /\b(cells?|launch(es)?|artefacts?)\b/i;
const mostWords = 25;

const sentencesOf = (text: string): readonly string[] =>
  text
    .split(/(?<=[.!?])\s+|\n+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');

/** Words, as a reader counts them: what stands between blanks and holds a letter, a digit or a value. */
const wordsOf = (sentence: string): readonly string[] => sentence.split(/\s+/).filter((word) => /[\p{L}\d‹]/u.test(word));

const longest = (text: string): readonly string[] =>
  sentencesOf(text)
    .filter((sentence) => wordsOf(sentence).length > mostWords)
    .map((sentence) => `${wordsOf(sentence).length} words: ${sentence}`);

const repeatedWords = 6;

/** So many words in a row that stand twice in what is read together. */
const doubled = (text: string): readonly string[] => {
  const words = wordsOf(text.toLowerCase().replace(/[.,;:()`"]/g, ' '));
  const known = new Set<string>();
  for (let at = 0; at + repeatedWords <= words.length; at += 1) {
    const run = words.slice(at, at + repeatedWords);
    const key = run.join(' ');
    if (known.has(key) && !run.every((word) => word === value)) return [`says twice: ${key}`];
    known.add(key);
  }
  return [];
};

const oneOfOurs = (text: string, pattern: RegExp): readonly string[] => {
  // What stands in backticks is written in a file of the reader's.
  const found = pattern.exec(text.replace(/`[^`]*`/g, ''));
  return found === null ? [] : [`a word of ours: ${found[0]}`];
};

/** Codes whose messages are about the inside of files that only the gate writes, or about a defect of it. */
const inside: ReadonlySet<string> = new Set(['internal', 'samples-contradictory']);

/**
 * What is wrong with an error and its remedy, read together: not a sentence, no place and no word of what was done, long sentences, words of
 * ours, the same twice.
 */
export const faultsOfError = ({ code, text, placed, place }: Written, remedy: string): readonly string[] => {
  const isInside = inside.has(code ?? '') || place.startsWith('src/records/sample');
  return [
    ...(/^[A-Z`"‹]|^[a-z][\w.[\]‹›-]*: /.test(text) ? [] : ['begins like no sentence']),
    ...(/[.?!]$|: ‹x›$|:\n‹x›$|\n {2}‹x›$|‹x›$/.test(text) && !/\.\.$/.test(text) ? [] : ['ends like no sentence']),
    ...(placed || sentencesOf(text).length > 1 || code === 'internal' ? [] : ['does not say what was being done, nor where']),
    ...longest(text),
    ...(isInside ? [] : [...oneOfOurs(text, ours), ...oneOfOurs(text, ofReports)]),
    ...doubled(`${text} ${remedy}`),
  ];
};

/** What is wrong with a reason, a warning or a line of the log. */
export const faultsOfReason = ({ text }: Written): readonly string[] => [
  ...(sentencesOf(text).length > 1 && !/[.?!]$|: ‹x›$|‹x›$/.test(text) ? ['its last sentence has no end'] : []),
  ...longest(text),
  ...oneOfOurs(text, ours),
  ...doubled(text),
];

/** How a remedy begins: with something to do. */
const toDo =
  /^(Add|Answer|Check|Correct|Create|Draw|Export|Fix|Free|Give|Grant|Install|Keep|Leave|Let|Listen|Look|Lower|Make|Move|Name|Raise|Read|Remove|Report|Restore|Run|Set|Use|Wait|Write)\b/;

/** What is wrong with a remedy. @param inputs names of inputs that are options, too */
export const faultsOfRemedy = (text: string, inputs: readonly string[]): readonly string[] => [
  ...(toDo.test(text) ? [] : ['names nothing to do first']),
  ...(/\.$/.test(text) ? [] : ['ends like no sentence']),
  ...longest(text),
  ...oneOfOurs(text, ours),
  ...oneOfOurs(text, ofReports),
  ...doubled(text),
  ...inputs.flatMap((name) =>
    new RegExp(`--${name}\\b`).test(text) && !text.includes(`input \`${name}\``) ? [`--${name} is no input`] : [],
  ),
];
