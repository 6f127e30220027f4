import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { parseAst } from 'rolldown/parseAst';

export interface Import {
  /** A path such as `src/onnx/read.ts`, or the name of a package. */
  readonly target: string;
  readonly internal: boolean;
  /** `type` is erased, `static` runs when the file is loaded, `dynamic` is a call: `import()` or `require()`. */
  readonly how: 'static' | 'type' | 'dynamic';
  readonly written: string;
}

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** What the file does that some files may not: `any`, `enum`, `Math.random`, `clock: Date.now` … */
  readonly uses: readonly string[];
}

/** A node of a syntax tree. */
export interface SyntaxNode {
  readonly type: string;
  readonly [key: string]: unknown;
}
const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';

/** A node and all below it. */
export const nodesIn = function* (node: SyntaxNode): Generator<SyntaxNode> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* nodesIn(child);
  }
};

const nameOf = (node: unknown): string => {
  if (!isNode(node)) return '';
  if (node.type === 'Identifier') return String(node['name']);
  if (node.type === 'Literal') return String(node['value']);
  return node.type === 'MemberExpression' ? `${nameOf(node['object'])}.${nameOf(node['property'])}` : '';
};

/** The members that read a clock or chance, by the last two parts of their name. */
const watched: Readonly<Record<string, string>> = {
  'Math.random': 'Math.random',
  'Date.now': 'clock: Date.now',
  'performance.now': 'clock: performance',
  'performance.timeOrigin': 'clock: performance',
  'process.hrtime': 'clock: process.hrtime',
  'process.uptime': 'clock: process.uptime',
};

const useOf = (node: SyntaxNode): string | null => {
  switch (node.type) {
    case 'TSAnyKeyword':
      return 'any';
    case 'TSNonNullExpression':
      return 'non-null assertion';
    case 'TSEnumDeclaration':
      return 'enum';
    case 'ExportDefaultDeclaration':
      return 'default export';
    case 'ExportSpecifier':
      return nameOf(node['exported']) === 'default' ? 'default export' : null;
    case 'NewExpression':
      return nameOf(node['callee']) === 'Date' && (node['arguments'] as readonly unknown[]).length === 0 ? 'clock: new Date()' : null;
    case 'CallExpression':
      return nameOf(node['callee']) === 'Date' ? 'clock: Date()' : null;
    case 'MemberExpression':
      return watched[nameOf(node).split('.').slice(-2).join('.')] ?? null;
    case 'ObjectPattern':
      return null;
    case 'VariableDeclarator': {
      const [id, from] = [node['id'], nameOf(node['init'])];
      if (!isNode(id) || id.type !== 'ObjectPattern') return null;
      const names = (id['properties'] as readonly SyntaxNode[]).map((property) => nameOf(property['key']));
      return names.map((name) => watched[`${from}.${name}`]).find((use) => use !== undefined) ?? null;
    }
    default:
      return null;
  }
};

const importOf = (node: SyntaxNode, path: string): Import | null => {
  const loads = ['ImportDeclaration', 'ExportAllDeclaration', 'ExportNamedDeclaration', 'ImportExpression', 'TSImportType'].includes(
    node.type,
  );
  const required =
    node.type === 'CallExpression' && /(^|\.)(require|resolve)$/.test(nameOf(node['callee']))
      ? (node['arguments'] as readonly SyntaxNode[])[0]
      : undefined;
  const source = loads ? node['source'] : required;
  if (!isNode(source) || source.type !== 'Literal' || typeof source['value'] !== 'string') return null;
  const written = source['value'];
  const internal = written.startsWith('.');
  const target = internal
    ? normalize(join(dirname(path), written))
        .split(sep)
        .join('/')
    : written.replace(/^node:/, '');
  const specifiers = (node['specifiers'] ?? []) as readonly SyntaxNode[];
  const erased =
    node.type === 'TSImportType' ||
    node['importKind'] === 'type' ||
    node['exportKind'] === 'type' ||
    (specifiers.length > 0 && specifiers.every((one) => one['importKind'] === 'type' || one['exportKind'] === 'type'));
  return {
    target,
    internal,
    how: erased ? 'type' : node.type === 'ImportExpression' || required !== undefined ? 'dynamic' : 'static',
    written,
  };
};

/** The syntax tree of TypeScript. Throws for a text that is none. */
export const syntaxTree = (text: string): SyntaxNode => parseAst(text, { lang: 'ts' }) as unknown as SyntaxNode;

/** Parses one TypeScript file; also a virtual one, for negative controls. */
export const sourceFile = (path: string, text: string): SourceFile => {
  const nodes = [...nodesIn(syntaxTree(text))];
  return {
    path,
    text,
    lines: text.trimEnd().split('\n').length,
    imports: nodes.map((node) => importOf(node, path)).filter((one) => one !== null),
    uses: nodes.map(useOf).filter((use) => use !== null),
  };
};

/** Every TypeScript file below `src/`, without the generated reader of ONNX. */
export const sourceFiles = (root: string): readonly SourceFile[] =>
  readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.startsWith('src/onnx/proto/'))
    .sort()
    .map((path) => sourceFile(path, readFileSync(join(root, path), 'utf8')));
