import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { allowedEnvironment } from '../../src/processes/environment.ts';

export const root = mkdtempSync(join(tmpdir(), 'repository-'));
export const removeRoot = (): void => rmSync(root, { recursive: true, force: true });

/** What the code under test gets: no configuration of the machine's user. */
export const environment = { ...allowedEnvironment(process.env), HOME: root, TMPDIR: root };

/** A real repository in a temporary folder, driven by git itself. */
export class ScratchRepository {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  static create(): ScratchRepository {
    const created = new ScratchRepository(mkdtempSync(join(root, 'work-')));
    created.git('init', '--quiet', '--initial-branch=main');
    return created;
  }

  git(...args: readonly string[]): string {
    const identity = {
      GIT_AUTHOR_NAME: 'A',
      GIT_AUTHOR_EMAIL: 'a@example.org',
      GIT_COMMITTER_NAME: 'A',
      GIT_COMMITTER_EMAIL: 'a@example.org',
      GIT_CONFIG_NOSYSTEM: '1',
    };
    return execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
      cwd: this.folder,
      env: { ...environment, ...identity },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), content);
  }

  /** Writes files, commits everything and returns the commit. */
  commit(files: Readonly<Record<string, string>>, message = 'change'): string {
    for (const [path, content] of Object.entries(files)) this.write(path, content);
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '-m', message);
    return this.git('rev-parse', 'HEAD');
  }

  /** An independent copy, quicker than making another. */
  copy(): ScratchRepository {
    const target = mkdtempSync(join(root, 'copy-'));
    cpSync(this.folder, target, { recursive: true });
    return new ScratchRepository(target);
  }

  clone(...options: readonly string[]): ScratchRepository {
    const target = mkdtempSync(join(root, 'clone-'));
    this.git('clone', '--quiet', ...options, `file://${this.folder}`, target);
    return new ScratchRepository(target);
  }
}
