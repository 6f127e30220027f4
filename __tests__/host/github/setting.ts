import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Published } from '../../../src/host/contract.ts';
import { type GitHubHostOptions, githubHost } from '../../../src/host/github/host.ts';
import { events } from '../../testkit/events.ts';
import { testFolder } from '../../testkit/folder.ts';
import { createRepository } from '../../testkit/git.ts';
import { type GitHubService, startGitHub } from '../../testkit/github.ts';

export const report = (comment: string, more: Partial<Published> = {}): Published => ({
  comment,
  summary: `# Summary of ${comment.slice(0, 40)}`,
  text: 'plain text',
  annotations: [],
  opensComment: true,
  severity: 'fine',
  project: null,
  ...more,
});

export interface Setting {
  readonly folder: string;
  readonly repository: string;
  readonly github: GitHubService;
  /** Pauses that the host asked for, milliseconds; none is waited out. */
  readonly pauses: number[];
  readonly lines: string[];
  readonly summary: string;
  host(eventName: string, event: unknown, options?: GitHubHostOptions, environment?: Record<string, string>): ReturnType<typeof githubHost>;
  pullRequest(number: number, options?: GitHubHostOptions): ReturnType<typeof githubHost>;
}

/** A GitHub on loopback with a bare repository, and hosts whose pauses are recorded in place of being waited out. */
export const openSetting = async (
  files: Readonly<Record<string, string>> = { 'README.md': 'hello\n' },
  viewer?: string | null,
): Promise<Setting> => {
  const folder = testFolder();
  const repository = join(folder, 'origin.git');
  await createRepository(repository, files);
  const github = await startGitHub({ repository, ...(viewer === undefined ? {} : { viewer }) });
  onTestFinished(() => github.close());
  const pauses: number[] = [];
  const lines: string[] = [];
  const summary = join(folder, 'summary.md');
  let count = 0;
  const host: Setting['host'] = (eventName, event, options = {}, environment = {}) => {
    count += 1;
    const path = join(folder, `event-${count}.json`);
    writeFileSync(path, JSON.stringify(event));
    const run = { GITHUB_EVENT_NAME: eventName, GITHUB_EVENT_PATH: path, GITHUB_STEP_SUMMARY: summary, GITHUB_RUN_ID: '77', PATH: '/bin' };
    const pause = async (milliseconds: number): Promise<void> => {
      pauses.push(milliseconds);
    };
    return githubHost({ ...github.environment(), ...run, ...environment }, { pause, write: (text) => lines.push(text), ...options });
  };
  return {
    folder,
    repository,
    github,
    pauses,
    lines,
    summary,
    host,
    pullRequest: (number, options) => host('pull_request', events.pullRequest(number), options),
  };
};
