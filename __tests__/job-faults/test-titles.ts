import { nodesIn, type SyntaxNode, syntaxTree } from '../architecture/source-file.ts';

/** A node's part that its type has always. */
const part = (node: SyntaxNode, key: string): SyntaxNode => node[key] as SyntaxNode;

/** `it.skipIf().each()` of `it.skipIf(condition).each(cases)`; empty for what is no such chain. */
const chainOf = (node: SyntaxNode): string => {
  if (node.type === 'Identifier') return String(node['name']);
  if (node.type === 'MemberExpression') return `${chainOf(part(node, 'object'))}.${chainOf(part(node, 'property'))}`;
  return node.type === 'CallExpression' ? `${chainOf(part(node, 'callee'))}()` : '';
};

const isCallOf = (node: SyntaxNode, name: RegExp): boolean => node.type === 'CallExpression' && name.test(chainOf(part(node, 'callee')));

const wordsOf = (node: SyntaxNode): readonly string[] => {
  if (node.type === 'Literal') return [String(node['value'])];
  if (node.type === 'TemplateElement') return [(node['value'] as { readonly cooked: string }).cooked];
  const key = node.type === 'Property' ? part(node, 'key') : null;
  return key?.type === 'Identifier' ? [String(key['name'])] : [];
};

/** What stands for the words of a case in the title of a table. */
const placeholder = /%[sdifjoO]|\$[\w.]+/;

const isCase = (title: string, table: string, words: ReadonlySet<string>): boolean => {
  const parts = table.split(placeholder).map((each) => each.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const own = new RegExp(`^${parts.join('(.*)')}$`, 's').exec(title)?.slice(1) ?? [];
  return own.length > 0 && own.every((word) => words.has(word));
};

/**
 * Finds the source of the tests of a file that have a title, as it is written or as a case of `it.each` makes it. The file is read by its
 * syntax: a title in a comment is none, nor is that of a skipped test, nor that of a case that stands in no table.
 */
export const testsIn = (text: string): ((title: string) => readonly string[]) => {
  const nodes = [...nodesIn(syntaxTree(text))];
  const skipped = new Set(nodes.filter((node) => isCallOf(node, /^describe\b.*\.(skip|todo)\b/)).flatMap((node) => [...nodesIn(node)]));
  const declared = (name: string): readonly SyntaxNode[] =>
    nodes
      .filter((node) => node.type === 'VariableDeclarator' && node['init'] !== null && chainOf(part(node, 'id')) === name)
      .map((node) => part(node, 'init'));
  /** The words of a table's cases, also of one that has a name of its own. */
  const wordsIn = (table: SyntaxNode): ReadonlySet<string> => {
    const inside = [...nodesIn(table)];
    const named = inside.filter(({ type }) => type === 'Identifier').flatMap((node) => declared(String(node['name'])));
    return new Set([...inside, ...named.flatMap((node) => [...nodesIn(node)])].flatMap(wordsOf));
  };
  const tests = nodes
    .filter((node) => isCallOf(node, /^(it|test)\b/) && !isCallOf(node, /\.(skip|todo)\b/) && !skipped.has(node))
    .flatMap((node) => {
      const callee = part(node, 'callee');
      const { type, value } = (node['arguments'] as readonly SyntaxNode[])[0] ?? { type: 'none' };
      const isTable = isCallOf(callee, /\.(each|for)$/);
      const source = text.slice(Number(node['start']), Number(node['end']));
      return type === 'Literal' && typeof value === 'string' ? [{ title: value, words: isTable ? wordsIn(callee) : null, source }] : [];
    });
  return (wanted) =>
    tests.filter(({ title, words }) => title === wanted || (words !== null && isCase(wanted, title, words))).map(({ source }) => source);
};
