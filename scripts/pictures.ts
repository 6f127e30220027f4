/**
 * Makes the pictures of the README, docs/pictures/{comment,page}.png, from a real run of the gate on a pull request of a scratch
 * repository. It needs git, ONNX Runtime and Chromium, and takes some minutes. `--report FOLDER` draws the report of an earlier run.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { marked } from 'marked';
import { allowedEnvironment } from '../src/processes/environment.ts';
import { buildPrograms } from './build.ts';
import { chromium } from './chromium.ts';

const repository = resolve(import.meta.dirname, '..');

/** A page of documentation loads slowly with more. */
export const mostBytes = 200 * 1024;

const missing =
  'The pictures of the README were to be made. Expected Chromium on this machine, found none. Install it, on Debian by `apt-get install chromium fonts-liberation fonts-noto-color-emoji`, and run `npm run pictures` again.';

const configuration = (pruning: string, decomposition: string): string =>
  `models: [mini-qwen3-dense]
optimizations:
  - id: structured-pruning
    with: { ratio: 0.25, importance: ${pruning} }
  - id: tensor-decomposition
    with: { aware: ${decomposition} }
  - id: sparse-attention
`;

const git = (folder: string, ...args: readonly string[]): void => {
  const [name, email] = ['Example', 'example@example.org'];
  const date = '2026-01-01T00:00:00Z';
  execFileSync('git', args, {
    cwd: folder,
    env: {
      ...allowedEnvironment(process.env),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    },
  });
};

const commit = (folder: string, message: string, config: string): void => {
  writeFileSync(join(folder, 'optimization-gate.yml'), config);
  git(folder, 'add', '--all');
  git(folder, 'commit', '--quiet', '-m', message);
};

/** The gate's verdict on a pull request that prunes at random and factors with calibration data. Returns the folder of its report. */
const gatedReport = async (folder: string): Promise<string> => {
  const [program, project] = [join(folder, 'program'), join(folder, 'project')];
  for (const made of [program, project]) mkdirSync(made);
  for (const name of ['models', 'node_modules', 'package.json']) symlinkSync(join(repository, name), join(program, name));
  await buildPrograms(join(program, 'dist'));
  git(project, 'init', '--quiet', '--initial-branch=main');
  writeFileSync(join(project, '.gitignore'), '.optimization-gate/\n');
  commit(project, 'Prune by activations', configuration('activation', 'false'));
  git(project, 'checkout', '--quiet', '-b', 'prune-faster');
  commit(project, 'Prune at random', configuration('random', 'true'));
  const args = ['--base', 'main', '--store', join(folder, 'store')];
  const { status } = spawnSync(process.execPath, [join(program, 'dist', 'cli.js'), ...args], { cwd: project, stdio: 'inherit' });
  if (status !== 1) throw new Error(`The gate was run on a regression. Expected exit status 1, got ${status}.`);
  return join(project, '.optimization-gate', 'report');
};

/** Close to how GitHub shows a comment, in its light scheme. */
const commentStyle = `
body{margin:0;padding:16px;background:#fff;color:#1f2328;font:14px/1.5 "Liberation Sans",Helvetica,Arial,"Noto Color Emoji",sans-serif}
article{border:1px solid #d1d9e0;border-radius:6px;overflow:hidden}
header{background:#f6f8fa;border-bottom:1px solid #d1d9e0;padding:8px 16px;color:#59636e}header b{color:#1f2328}
main{padding:16px}h3{font-size:1.25em;margin:0 0 16px}h4{font-size:1em;margin:24px 0 16px}p,ul,details{margin:0 0 16px}li+li{margin-top:.25em}
table{border-collapse:collapse;margin:0 0 16px;display:block;overflow:hidden}th,td{border:1px solid #d1d9e0;padding:6px 13px}tr:nth-child(2n) td{background:#f6f8fa}
code{background:#818b981f;border-radius:6px;padding:.2em .4em;font:85% "Liberation Mono",monospace}a{color:#0969da}summary{cursor:pointer}`;

/** A page that shows a comment's Markdown as GitHub does. */
export const commentPage = (markdown: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>comment</title><style>${commentStyle}</style><body><article><header><b>github-actions</b> commented</header><main>${marked.parse(markdown, { async: false, gfm: true })}</main></article><script>document.documentElement.dataset.height=String(document.documentElement.scrollHeight)</script></body></html>`;

const browser = (command: string, profile: string, args: readonly string[]): string =>
  execFileSync(command, ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', `--user-data-dir=${profile}`, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 120_000,
  });

interface Picture {
  readonly html: string;
  readonly png: string;
  readonly width: number;
  /** In pixels; null: as high as the page says that it is. */
  readonly height: number | null;
}

/** Draws a page in the browser and writes the picture. Throws for one of more than 200 KB. */
export const draw = (command: string, folder: string, { html, png, width, height }: Picture): void => {
  const [page, profile] = [join(folder, 'page.html'), join(folder, 'profile')];
  writeFileSync(page, html);
  const url = pathToFileURL(page).href;
  const measured =
    height ?? Number(/data-height="(\d+)"/.exec(browser(command, profile, [`--window-size=${width},400`, '--dump-dom', url]))?.[1]);
  browser(command, profile, [`--window-size=${width},${measured}`, `--screenshot=${png}`, url]);
  const { size } = statSync(png);
  if (size > mostBytes) throw new Error(`${png} was made. Expected at most ${mostBytes} bytes, got ${size}.`);
};

if (import.meta.main) {
  const { values } = parseArgs({ options: { report: { type: 'string' }, to: { type: 'string' } } });
  if (chromium === null) {
    console.error(missing);
    process.exit(2);
  }
  const folder = mkdtempSync(join(tmpdir(), 'pictures-'));
  try {
    const report = values.report ?? (await gatedReport(folder));
    const to = resolve(values.to ?? join(repository, 'docs', 'pictures'));
    mkdirSync(to, { recursive: true });
    const comment = commentPage(readFileSync(join(report, 'comment.md'), 'utf8'));
    draw(chromium, folder, { html: comment, png: join(to, 'comment.png'), width: 1100, height: null });
    draw(chromium, folder, {
      html: readFileSync(join(report, 'index.html'), 'utf8'),
      png: join(to, 'page.png'),
      width: 1280,
      height: 1600,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
