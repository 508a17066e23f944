// Asks a worker for its page and API without a pause, in a thread of its own, so that asking keeps no caller waiting.
import { Agent, request } from 'node:http';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

export const PER_SECOND = 300;
const PATHS = ['/', '/api/personas', '/api/providers', '/health/ready', '/api/calls'] as const;

function flood(port: number): void {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const statuses: Record<string, number> = {};
  let count = 0;
  const tally = (status: number | string) => {
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  const ask = () => {
    const path = PATHS[count % PATHS.length] as string;
    count += 1;
    const method = path === '/api/calls' ? 'POST' : 'GET';
    const headers = { 'Content-Type': 'application/json', 'X-Forwarded-For': '203.0.113.7' };
    const asked = request({ host: '127.0.0.1', port, path, method, agent, headers }, (response) => {
      response.resume();
      response.on('end', () => tally(response.statusCode ?? 'none'));
    });
    asked.on('error', () => tally('no answer'));
    asked.end(method === 'POST' ? '{}' : undefined);
  };
  const beganMs = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - beganMs) / 1_000) * PER_SECOND;
    while (count < due) ask();
  }, 10);
  parentPort?.once('message', () => {
    clearInterval(timer);
    setTimeout(() => {
      parentPort?.postMessage(statuses);
      agent.destroy();
    }, 500);
  });
}

if (!isMainThread && typeof workerData === 'number') flood(workerData);
