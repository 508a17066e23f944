// Starts a local server, says its pid and stays, so that a test can kill the owner of a server.
import { startLocalServer } from '../../../src/livekit/local-server.ts';
import { createLogger } from '../../../src/telemetry/log.ts';

const [root, path] = process.argv.slice(2) as [string, string];
const server = await startLocalServer({
  root,
  env: { PATH: path, HOME: root },
  log: createLogger({ level: 'silent' }),
  signal: new AbortController().signal,
});
process.stdout.write(`${server.pid}\n`);
setInterval(() => undefined, 1_000);
