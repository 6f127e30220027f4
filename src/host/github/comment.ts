import { createHash } from 'node:crypto';
import { z } from 'zod';
import { GateError } from '../../errors.ts';
import type { Published } from '../contract.ts';
import { type Client, listAll } from './client.ts';
import { GitHubFailure } from './failure.ts';

/** GitHub refuses a longer comment (characters). */
export const MAX_COMMENT = 65_536;

const storedComment = z.object({
  id: z.int().positive(),
  body: z.string().nullish(),
  user: z.object({ login: z.string(), type: z.string() }).nullish(),
});
type StoredComment = z.infer<typeof storedComment>;

/**
 * The hidden first line by which the comment of this key and project is found again. Throws `usage-bad-value` for a key that cannot
 * stand in it.
 */
export const commentMarker = (key: string, project: string | null = null): string => {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/.test(key))
    throw new GateError('usage-bad-value', 'Expected letters, digits, dots and dashes, at most 80, got another name.', {
      where: 'comment-key',
    });
  const of = project === null ? '' : ` ${createHash('sha256').update(project).digest('hex').slice(0, 16)}`;
  return `<!-- optimization-gate:${key}${of} -->`;
};

/** Which run wrote a comment, and how bad it was. Runs are numbered in the order in which they began. */
export interface CommentStamp {
  readonly run: number;
  readonly attempt: number;
  readonly severity: Published['severity'];
}

const severities: readonly Published['severity'][] = ['fine', 'undecided', 'bad'];

const stampText = ({ run, attempt, severity }: CommentStamp): string => `<!-- run ${run} attempt ${attempt} ${severity} -->`;

/** The stamp of a comment; null where it has none. */
const stampOf = (body: string): CommentStamp | null => {
  const [, run, attempt, word] = /^<!-- run (\d{1,15}) attempt (\d{1,9}) (\w+) -->\s*$/m.exec(body) ?? [];
  const severity = severities.find((each) => each === word);
  return severity === undefined ? null : { run: Number(run), attempt: Number(attempt), severity };
};

/** Whether the comment that is there stays: it is of a later run, or of a job of this run that found worse. */
const stays = (there: CommentStamp | null, mine: CommentStamp): 'newer' | 'worse' | null => {
  if (there === null) return null;
  const [later, same] = [there.run - mine.run || there.attempt - mine.attempt, severities.indexOf(there.severity)];
  if (later > 0) return 'newer';
  return later === 0 && same > severities.indexOf(mine.severity) ? 'worse' : null;
};

/**
 * Marker, stamp and text, never longer than GitHub takes: what is too long is cut at a line, open code fences and `<details>` are closed,
 * and a last line says so and names where the whole report is.
 */
export const commentBody = (marker: string, stamp: CommentStamp, text: string, whole: string): string => {
  const head = `${marker}\n${stampText(stamp)}`;
  const body = `${head}\n${text.trim()}\n`;
  if (body.length <= MAX_COMMENT) return body;
  const note = `\n\n_The rest is left out: GitHub shows no more in a comment. The whole report is in ${whole}._\n`;
  const reserve = note.length + 400;
  const room = body.slice(0, MAX_COMMENT - reserve);
  const end = room.lastIndexOf('\n');
  const kept = (end > head.length ? room.slice(0, end) : room).replace(/[\uD800-\uDBFF]$/, '');
  const fences = kept.match(/^ {0,3}```/gm)?.length ?? 0;
  const open = (kept.match(/<details\b/gi)?.length ?? 0) - (kept.match(/<\/details>/gi)?.length ?? 0);
  return `${kept}${fences % 2 === 1 ? '\n```' : ''}${'\n</details>'.repeat(Math.min(Math.max(open, 0), 20))}${note}`;
};

/** GraphQL says who the token is even for a workflow's own token; its name lacks the `[bot]` that REST shows. Null when it does not say. */
const ownLogin = async (client: Client): Promise<string | null> => {
  try {
    const { viewer } = await client.graphql('query { viewer { login } }', {});
    const login = (viewer as { login?: unknown } | null)?.login;
    return typeof login === 'string' ? login : null;
  } catch (error) {
    // A limit holds for what follows too; a server without GraphQL must not cost the comment.
    if (error instanceof GitHubFailure && error.kind === 'wait' && error.seconds !== null) throw error;
    return null;
  }
};

const bare = (login: string): string => login.toLowerCase().replace(/\[bot\]$/, '');

/**
 * Comments with the marker by the token's own author, where that cannot be known by any of its kind. A person may have the login
 * that a bot has without its `[bot]`: only the kind tells them apart.
 */
const ownComments = async (client: Client, number: number, marker: string): Promise<readonly StoredComment[]> => {
  const all = await listAll(client, 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments', { issue_number: number });
  const marked = all.flatMap((one) => {
    const { success, data } = storedComment.safeParse(one);
    return success && (data.body ?? '').trimStart().startsWith(marker) ? [data] : [];
  });
  if (marked.length === 0) return [];
  const login = await ownLogin(client);
  const own = marked.filter(
    ({ user }) => user != null && (user.type === 'Bot') !== client.isPerson && (login === null || bare(user.login) === bare(login)),
  );
  return own.sort((a, b) => a.id - b.id);
};

/** Whether two comments read the same; the number of the run is not read. */
const same = (a: string, b: string): boolean => {
  const [one, other] = [a, b].map((text) =>
    text
      .replaceAll('\r\n', '\n')
      .replace(/^<!-- run \d+ attempt \d+ /m, '<!-- ')
      .trim(),
  );
  return one === other;
};

const missingIsFine = async (work: Promise<unknown>): Promise<boolean> => {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof GitHubFailure && error.kind === 'not-found') return false;
    throw error;
  }
};

/**
 * Brings the pull request to having exactly one comment with this marker and body: creates it where `opens` says so, edits the
 * oldest in place, or sends nothing when it already reads so, or is of a later run (`newer`) or of a job of this run that found worse
 * (`worse`); younger duplicates are deleted. It looks first each time, so doing it
 * again is always safe. Throws a `GitHubFailure`.
 */
export const syncComment = async (
  client: Client,
  target: {
    readonly number: number;
    readonly marker: string;
    readonly stamp: CommentStamp;
    readonly body: string;
    readonly opens: boolean;
  },
): Promise<'created' | 'updated' | 'same' | 'none' | 'newer' | 'worse'> => {
  const [oldest, ...younger] = await ownComments(client, target.number, target.marker);
  const create = async (): Promise<'created' | 'none'> => {
    if (!target.opens) return 'none';
    await client.rest('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', { issue_number: target.number, body: target.body });
    return 'created';
  };
  for (const { id } of younger)
    await missingIsFine(client.rest('DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}', { comment_id: id }));
  if (oldest === undefined) return create();
  const kept = stays(stampOf(oldest.body ?? ''), target.stamp);
  if (kept !== null) return kept;
  if (same(oldest.body ?? '', target.body)) return 'same';
  const route = 'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}';
  return (await missingIsFine(client.rest(route, { comment_id: oldest.id, body: target.body }))) ? 'updated' : create();
};
