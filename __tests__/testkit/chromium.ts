/** A real browser without a window, driven over its debugging protocol. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Parameters = Readonly<Record<string, unknown>>;

export interface BrowserPage {
  readonly send: (method: string, parameters?: Parameters) => Promise<Record<string, unknown>>;
  /** The value of an expression in the page. */
  readonly value: (expression: string) => Promise<unknown>;
  readonly open: (url: string) => Promise<void>;
  /** Addresses that the page asked for. */
  readonly requests: readonly string[];
  /** What the browser complained about: policy violations, script errors. */
  readonly complaints: readonly string[];
  readonly close: () => Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly request?: { readonly url: string }; readonly entry?: { readonly text: string } };
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

const startedBrowser = async (command: string, profile: string) => {
  const browser = spawn(
    command,
    ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0', `--user-data-dir=${profile}`, '--window-size=1280,2400'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    browser.stderr.on('data', (chunk) => {
      said += String(chunk);
      const found = /DevTools listening on (ws:\S+)/.exec(said);
      if (found?.[1] !== undefined) resolve(found[1]);
    });
    browser.once('exit', (code) => reject(new Error(`the browser ended with ${code}: ${said}`)));
  });
  return { browser, address };
};

/** Starts a browser with one empty page. */
export const openBrowser = async (command: string): Promise<BrowserPage> => {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const { browser, address } = await startedBrowser(command, profile);
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  const waiting = new Map<number, (message: Message) => void>();
  const listeners = new Map<string, () => void>();
  const requests: string[] = [];
  const complaints: string[] = [];
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    if (message.method === 'Network.requestWillBeSent') requests.push(message.params?.request?.url ?? '');
    if (message.method === 'Log.entryAdded') complaints.push(message.params?.entry?.text ?? '');
    if (message.method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(message.params));
    if (message.method !== undefined) listeners.get(message.method)?.();
  });
  let last = 0;
  let sessionId: string | undefined;
  const send = async (method: string, params: Parameters = {}): Promise<Record<string, unknown>> => {
    const id = ++last;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params, sessionId }));
    const { result, error } = await answer;
    waiting.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  };
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  sessionId = (await send('Target.attachToTarget', { targetId, flatten: true }))['sessionId'] as string;
  for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await send(`${domain}.enable`);
  return {
    send,
    requests,
    complaints,
    value: async (expression) => {
      const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { value: unknown }).value;
    },
    open: async (url) => {
      const loaded = new Promise<void>((resolve) => listeners.set('Page.loadEventFired', resolve));
      await send('Page.navigate', { url });
      await loaded;
    },
    close: async () => {
      const ended = new Promise((resolve) => browser.once('exit', resolve));
      browser.kill();
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};
