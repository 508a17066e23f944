// Stands in for livekit-server: says its version, answers on the port of its configuration, and waits at the first SIGTERM as the
// real one does while participants are there.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [version, ...args] = process.argv.slice(2);
if (args.includes('--version')) {
  process.stdout.write(`livekit-server version ${version}\n`);
  process.exit(0);
}
const config = readFileSync(args[args.indexOf('--config') + 1] as string, 'utf8');
if (config.includes('fail_at_start')) {
  process.stdout.write('could not parse config: field fail_at_start not found\n');
  process.exit(0);
}
const port = Number(/^port: (\d+)$/m.exec(config)?.[1]);
process.stdout.write(`environment ${JSON.stringify(process.env)}\n`);
createServer((_, response) => response.end('OK')).listen(port, '127.0.0.1');
let signals = 0;
process.on('SIGTERM', () => {
  signals += 1;
  if (signals === 2 && !config.includes('ignore_signals')) process.exit(0);
});
