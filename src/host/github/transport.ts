import { HttpClient } from '@actions/http-client';

/** What Octokit hands to a `fetch`. */
interface Sent {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Statuses whose answer has no body, so that `Response` takes none. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * A `fetch` through the toolkit's own client, which honours `https_proxy` and `no_proxy` as the runner does; Node's fetch does so only when the
 * process was started for it. Nothing is tried twice. `seconds` bounds the silence of a connection; `signal` bounds the whole answer: the promise
 * is then rejected with its reason.
 */
export const toolkitFetch = (seconds: number): ((url: string, sent: Sent) => Promise<Response>) => {
  const client = new HttpClient('optimization-gate', [], { allowRetries: false, socketTimeout: 1000 * seconds });
  const exchange = async (url: string, { method, headers, body }: Sent): Promise<Response> => {
    const answer = await client.request(method, url, body ?? null, { ...headers });
    const status = answer.message.statusCode ?? 0;
    const text = await answer.readBody();
    const received = Object.entries(answer.message.headers).map(([name, value]): [string, string] => [
      name,
      [value ?? ''].flat().join(', '),
    ]);
    return new Response(bodiless.has(status) ? null : text, { status, headers: received });
  };
  return (url, sent) => {
    const expired = new Promise<never>((_, reject) => {
      sent.signal.addEventListener('abort', () => reject(sent.signal.reason), { once: true });
    });
    return Promise.race([exchange(url, sent), expired]);
  };
};
