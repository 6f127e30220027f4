import { Console } from 'node:console';
import { runtimeRoots } from './runtime/library.ts';
import { clocks } from './worker/clocks.ts';
import { serveOrchestrator } from './worker/orchestrator.ts';
import { serveSubject } from './worker/subject.ts';

// `worker` speaks IPC with the orchestrator that forked it; `worker subject [--module FILE]` speaks JSON lines on standard input and output.
const [mode, flag, module] = process.argv.slice(2);
const roots = runtimeRoots(process.env['ORT_PATH'] ?? null, process.cwd());

if (mode === 'subject') {
  // What a user's module prints must not get between the answers.
  globalThis.console = new Console(process.stderr);
  await serveSubject(process.stdin, process.stdout, { roots, module: flag === '--module' && module !== undefined ? module : null });
} else serveOrchestrator(process, roots, clocks);
