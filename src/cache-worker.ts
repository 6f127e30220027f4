import { serveCacheRequest } from './host/github/cache-toolkit.ts';

// One operation of the workflow cache in the working directory, which is the folder to restore or to save. It answers over IPC.
await serveCacheRequest(process.argv[2] ?? '', process);
