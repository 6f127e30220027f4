import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { GateError } from '../../errors.ts';
import { commitId } from '../../records/words.ts';
import type { HostEvent } from '../contract.ts';

/** What of a run's event the host works with. */
export interface RunEvent {
  readonly event: HostEvent;
  readonly owner: string;
  readonly repository: string;
  /** Null where the payload does not say (old `schedule` payloads): the branch that the run is on is the default one then. */
  readonly defaultBranch: string;
  /** A pull request from another repository: its token is read-only. */
  readonly fork: boolean;
  /** `workflow_run` names the pull request only by its branch and commit. */
  readonly lookUp: { readonly label: string; readonly commit: string } | null;
}

const MAX_PAYLOAD_BYTES = 32 * 1024 * 1024;
const name = z.string().min(1).max(255);
const branch = z
  .string()
  .max(1024)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids control characters in names
  .regex(/^(?![-/])(?!.*\.\.)[^\u0000-\u0020\u007f~^:?*[\\]+$/, 'a branch name');
const repository = z.object({ full_name: name, default_branch: branch.optional() });
const ref = z.string().max(1100);
const side = z.object({ repo: z.object({ full_name: name }).nullable() });

const payloads = {
  push: z.object({ ref, before: commitId, repository }),
  pull_request: z.object({ pull_request: z.object({ number: z.int().positive(), head: side, base: side }), repository }),
  merge_group: z.object({ merge_group: z.object({ base_sha: commitId }), repository }),
  workflow_run: z.object({
    workflow_run: z.object({
      head_sha: commitId,
      head_branch: branch.nullable(),
      head_repository: z.object({ full_name: name, owner: z.object({ login: name }) }).nullable(),
    }),
    repository,
  }),
  other: z.object({ repository: repository.optional() }),
};

const readPayload = (path: string | undefined): unknown => {
  if (path === undefined || path === '')
    throw new GateError('document-invalid', 'no file holds the payload of the event', { where: 'GITHUB_EVENT_PATH' });
  try {
    const { size } = statSync(path);
    if (size > MAX_PAYLOAD_BYTES) throw new GateError('document-too-large', `the payload of the event has ${size} bytes`, { where: path });
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof GateError) throw error;
    throw new GateError('document-invalid', `the payload of the event cannot be read: ${(error as Error).message}`, {
      where: path,
      cause: error,
    });
  }
};

const decode = <T>(schema: z.ZodType<T>, payload: unknown, where: string): T => {
  const result = schema.safeParse(payload);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new GateError('document-invalid', `${issue?.path.join('.') || 'payload'}: ${issue?.message ?? 'not valid'}`, { where });
};

const otherChange = (trusted: boolean): HostEvent => ({ kind: 'change', base: null, number: null, trusted });

const withoutHeads = (reference: string): string => reference.replace(/^refs\/heads\//, '');

/**
 * What started the run, from `GITHUB_EVENT_NAME`, `GITHUB_EVENT_PATH`, `GITHUB_REPOSITORY` and `GITHUB_REF`.
 * A push to, and a scheduled or dispatched run on, the default branch are `default-branch`; everything else is a `change`:
 * so is a merge-queue group, which the queue may still throw away. An event that is not known is an untrusted change.
 * Throws `document-invalid` or `document-too-large` for a payload that GitHub did not write.
 */
export const readEvent = (environment: Readonly<Record<string, string | undefined>>): RunEvent => {
  const eventName = environment['GITHUB_EVENT_NAME'] ?? '';
  const path = environment['GITHUB_EVENT_PATH'];
  const where = `event ${eventName}`;
  const slug = /^([\w.-]{1,100})\/([\w.-]{1,100})$/.exec(environment['GITHUB_REPOSITORY'] ?? '');
  if (slug === null) throw new GateError('document-invalid', 'GITHUB_REPOSITORY is not OWNER/NAME', { where });
  const payload = readPayload(path);
  const current = environment['GITHUB_REF'] ?? '';
  const known = decode(payloads.other, payload, where).repository?.default_branch;
  const defaultBranch = known ?? decode(branch, environment['GITHUB_REF_NAME'] ?? 'main', 'GITHUB_REF_NAME');
  const onDefault = (reference: string): boolean =>
    known !== undefined && withoutHeads(reference) === known && !reference.startsWith('refs/tags/');
  const run = (event: HostEvent, more: { readonly fork?: boolean; readonly lookUp?: RunEvent['lookUp'] } = {}): RunEvent => ({
    event,
    owner: slug[1] ?? '',
    repository: slug[2] ?? '',
    defaultBranch,
    fork: more.fork ?? false,
    lookUp: more.lookUp ?? null,
  });

  switch (eventName) {
    case 'push': {
      const { ref: pushed, before } = decode(payloads.push, payload, where);
      if (!onDefault(pushed)) return run(otherChange(true));
      return run({ kind: 'default-branch', before: /^0+$/.test(before) ? null : before });
    }
    case 'schedule':
    case 'repository_dispatch':
      return run({ kind: 'default-branch', before: null });
    case 'workflow_dispatch':
      return run(onDefault(current) ? { kind: 'default-branch', before: null } : otherChange(true));
    case 'merge_group': {
      const group = decode(payloads.merge_group, payload, where).merge_group;
      return run({ kind: 'change', base: group.base_sha, number: null, trusted: true });
    }
    case 'pull_request':
    case 'pull_request_target':
    case 'pull_request_review': {
      const pull = decode(payloads.pull_request, payload, where).pull_request;
      const trusted = pull.head.repo !== null && pull.base.repo !== null && pull.head.repo.full_name === pull.base.repo.full_name;
      return run({ kind: 'change', base: null, number: pull.number, trusted }, { fork: !trusted });
    }
    case 'workflow_run': {
      const { workflow_run: of, repository: own } = decode(payloads.workflow_run, payload, where);
      const head = of.head_repository;
      const lookUp =
        head === null || of.head_branch === null ? null : { label: `${head.owner.login}:${of.head_branch}`, commit: of.head_sha };
      return run(otherChange(head?.full_name === own.full_name), { lookUp });
    }
    default:
      return run(otherChange(false));
  }
};
