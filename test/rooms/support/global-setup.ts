// Runs once before all room tests: has the LiveKit server built, which takes minutes on a fresh machine and no hook can wait for.
import { startTestServer } from './server.ts';

export default async function setup(): Promise<void> {
  const server = await startTestServer();
  await server.stop();
}
