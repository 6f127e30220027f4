import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { isFeatureAvailable, restoreCache, saveCache } from '@actions/cache';
import { type BadAnswer, type CacheAnswer, type CacheRequest, cacheRequest } from './cache-request.ts';

/** The version of an entry is a digest of the paths, so the folder is named alike in every job. */
const paths = ['.'];
const REPORT_MILLISECONDS = 250;

/**
 * Watches the connections of this process, for what the toolkit does not tell. Its progress lines count a block of an upload (64 MiB,
 * eight at a time) only when it is done. Its messages name the status of an answer only in part.
 */
const watchConnections = (): (() => { readonly moved: number; readonly bad: BadAnswer | null }) => {
  const sockets = new Set<Socket>();
  let bad: BadAnswer | null = null;
  subscribe('http.client.request.created', (message) => {
    const { request } = message as { readonly request: ClientRequest };
    const answered = ({ statusCode: status = 0, headers }: IncomingMessage): void => {
      const type = headers['content-type'] ?? '';
      bad = status >= 300 || /html/i.test(type) ? { host: request.host, status, type } : null;
    };
    request.on('socket', (socket) => void sockets.add(socket));
    request.on('response', answered);
    request.on('connect', answered);
  });
  return () => ({ moved: [...sockets].reduce((sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten, 0), bad });
};

const answerTo = async (request: CacheRequest): Promise<CacheAnswer> => {
  if (request.do === 'save') return { saved: isFeatureAvailable() && (await saveCache(paths, request.key)) !== -1 };
  const [first = '', ...others] = request.prefixes;
  // An exact key is preferred to a longer one that begins with it; both count.
  return { restored: isFeatureAvailable() ? ((await restoreCache(paths, first, [first, ...others])) ?? null) : null };
};

/** Does one operation with the toolkit, which prints on standard output how it goes, answers, and ends the process. */
export const serveCacheRequest = async (request: string, parent: NodeJS.Process): Promise<void> => {
  const send = (answer: CacheAnswer): Promise<void> =>
    new Promise((resolve) => {
      if (parent.send === undefined) resolve();
      else parent.send(answer, () => resolve());
    });
  // A parent that was killed cannot keep the limits.
  parent.once('disconnect', () => parent.exit(1));
  const connections = watchConnections();
  const reports = setInterval(() => void send(connections()), REPORT_MILLISECONDS);
  try {
    const answer = await answerTo(cacheRequest.parse(JSON.parse(request)));
    await send(connections());
    await send(answer);
  } catch (error) {
    await send({ thrown: error instanceof Error ? error.message : String(error) });
  } finally {
    clearInterval(reports);
  }
  // Kept-alive connections would hold the process.
  parent.exit(0);
};
