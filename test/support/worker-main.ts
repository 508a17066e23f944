// A worker process for tests and benchmarks: `node worker-main.ts <job file> <url> <key> <secret> [agent name]`; says "ready", which
// calls it refused, and how much of its heap is in use at SIGUSR2.
import '../../src/livekit/quiet-rtc.ts';
import { pathToFileURL } from 'node:url';
import { startWorker } from '../../src/livekit/worker.ts';
import { usedHeapMb } from './used-heap.ts';

const [jobFile, url, apiKey, apiSecret, agentName] = process.argv.slice(2) as [string, string, string, string, string?];
const worker = startWorker({
  url,
  apiKey,
  apiSecret,
  jobFile: pathToFileURL(jobFile),
  agentName,
  onRefused: (room) => process.stdout.write(`refused ${room}\n`),
  limits: {
    maxCalls: Number(process.env.MAX_CALLS ?? 20),
    warmProcesses: 1,
    drainMs: 1_000,
    callMegabytes: Number(process.env.CALL_MEGABYTES ?? 1_000),
  },
});
process.on('SIGUSR2', () => process.stdout.write(`heap ${usedHeapMb().toFixed(2)} MB\n`));
process.on('SIGTERM', () => void worker.close().then(() => process.exit(0)));
await worker.ready;
process.stdout.write('ready\n');
