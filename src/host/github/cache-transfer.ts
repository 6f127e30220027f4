import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as pauseFor } from 'node:timers/promises';
import { answerFailure, CacheFailure, transportFailure } from './cache-failure.ts';

/** How long the cache may take. */
export interface CacheLimits {
  /** To find or reserve an entry, all attempts together, seconds. */
  readonly findSeconds: number;
  /** A transfer that moves fewer bytes in `windowSeconds` is given up. */
  readonly windowBytes: number;
  readonly windowSeconds: number;
  /** One transfer, seconds. */
  readonly transferSeconds: number;
  /** Before a second attempt after a failure of the server or the connection; twice that before the third. */
  readonly pauseSeconds: number;
}

/** 1 MiB per second over 30 s, and ten minutes in all: beyond that, building anew is faster. */
export const cacheLimits: CacheLimits = {
  findSeconds: 30,
  windowBytes: 30 * 2 ** 20,
  windowSeconds: 30,
  transferSeconds: 600,
  pauseSeconds: 1,
};

const ATTEMPTS = 3;
const SLICE_BYTES = 64 * 1024;
/** An answer that is read as text. */
const MAX_TEXT_BYTES = 256 * 1024;

/** Fails where the work has not ended in time: what it waits for is left to its own end. */
export const within = async <T>(seconds: number, failure: () => CacheFailure, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(failure()), 1000 * seconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Counts what a transfer moves, and ends it where that is too little. */
export interface Pace {
  readonly moved: (bytes: number) => void;
  /** Rejected once the transfer is given up. */
  readonly late: Promise<never>;
  stop(): void;
}

export const startPace = (limits: CacheLimits, host: string): Pace => {
  let bytes = 0;
  let total = 0;
  const timers: NodeJS.Timeout[] = [];
  const late = new Promise<never>((_, reject) => {
    timers.push(
      setInterval(() => {
        if (bytes < limits.windowBytes)
          reject(new CacheFailure('slow', `${host} moved ${bytes} bytes in ${limits.windowSeconds} s, and ${total} in all`));
        bytes = 0;
      }, 1000 * limits.windowSeconds),
      setTimeout(
        () => reject(new CacheFailure('slow', `the transfer with ${host} did not end within ${limits.transferSeconds} s`)),
        1000 * limits.transferSeconds,
      ),
    );
  });
  // Whoever races with it hears of it; without a race it is nobody's.
  late.catch(() => {});
  return {
    moved: (count) => {
      bytes += count;
      total += count;
    },
    late,
    stop: () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
};

export interface Sent {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Told of each part of the body that leaves. */
  readonly moved?: (bytes: number) => void;
}

const hostOf = (url: string): string => {
  try {
    return new URL(url).host;
  } catch {
    throw new CacheFailure('refused', 'the cache service named an address that is none');
  }
};

function* slices(body: Uint8Array, moved: (bytes: number) => void): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += SLICE_BYTES) {
    const slice = body.subarray(at, at + SLICE_BYTES);
    moved(slice.length);
    yield slice;
  }
}

export const textOf = async (message: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_TEXT_BYTES) break;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};

/**
 * One answer with a status that means success, through the toolkit's client, which honours the proxy of the runner. `silence`: seconds
 * after which a quiet connection is closed. Throws a `CacheFailure`; nothing is tried twice.
 */
export const ask = async ({ method, url, headers, body, moved = () => {} }: Sent, silence: number): Promise<IncomingMessage> => {
  const host = hostOf(url);
  // Loaded with the first call: most commands make none.
  const { HttpClient } = await import('@actions/http-client');
  const client = new HttpClient('optimization-gate', [], { allowRetries: false, socketTimeout: 1000 * silence });
  const sent = body === undefined ? null : Readable.from(slices(body, moved), { objectMode: false });
  const length = body === undefined ? {} : { 'content-length': String(body.length) };
  try {
    const { message } = await client.request(method, url, sent, { ...headers, ...length });
    const status = message.statusCode ?? 0;
    if (status >= 200 && status < 300) return message;
    throw answerFailure({ status, type: message.headers['content-type'] ?? '', text: await textOf(message), host });
  } catch (error) {
    throw transportFailure(error, host);
  }
};

/** Does it once more after a failure of the server or of the connection, three times in all. */
export const persistently = async <T>({ pauseSeconds }: CacheLimits, work: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const passing = error instanceof CacheFailure && (error.kind === 'server' || error.kind === 'network');
      if (!passing || attempt === ATTEMPTS) throw error;
      await pauseFor(1000 * pauseSeconds * 2 ** (attempt - 1));
    }
  }
};

/**
 * The bytes behind an address, which go on where a lost connection ended. Throws a `CacheFailure`, `damaged` where there are fewer bytes
 * than the server said.
 */
export async function* download(url: string, limits: CacheLimits): AsyncGenerator<Uint8Array> {
  const host = hostOf(url);
  const pace = startPace(limits, host);
  let at = 0;
  let whole: number | null = null;
  try {
    for (let attempt = 1; whole === null || at < whole; attempt += 1) {
      const headers: Record<string, string> = at === 0 ? {} : { range: `bytes=${at}-` };
      const asked = persistently(limits, () => ask({ method: 'GET', url, headers }, limits.windowSeconds));
      asked.catch(() => {});
      const message = await Promise.race([asked, pace.late]);
      const type = message.headers['content-type'] ?? '';
      if (/html/i.test(type)) throw answerFailure({ status: message.statusCode ?? 0, type, text: '', host });
      if (at > 0 && message.statusCode !== 206) throw new CacheFailure('network', `${host} does not go on where a connection was lost`);
      whole ??= Number(message.headers['content-length'] ?? Number.NaN);
      const parts = (message as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = parts.next();
          next.catch(() => {});
          const part = await Promise.race([next, pace.late]);
          if (part.done === true) break;
          at += part.value.length;
          pace.moved(part.value.length);
          yield part.value;
        }
      } catch (error) {
        message.destroy();
        const failure = transportFailure(error, host);
        if (failure.kind !== 'network' || attempt === ATTEMPTS || !Number.isFinite(whole)) throw failure;
        continue;
      }
      if (!Number.isFinite(whole)) return;
      if (at < whole) throw new CacheFailure('damaged', `${host} sent ${at} of ${whole} bytes`);
    }
  } catch (error) {
    // The entry is listed, and what it was is gone.
    if (error instanceof CacheFailure && error.kind === 'refused') throw new CacheFailure('damaged', error.message, { cause: error });
    throw error;
  } finally {
    pace.stop();
  }
}
