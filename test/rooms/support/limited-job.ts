// A call process with the limits of the variable LIMITS (JSON of `calls`), which takes memory when its caller says so.
import { defineAgent } from '@livekit/agents';
import { RoomEvent } from '@livekit/rtc-node';
import { type CallResources, runCall } from '../../../src/call/run-call.ts';
import { instantLinks } from '../../support/instant-links.ts';
import { testResources } from '../../support/test-resources.ts';

/** The topic of a message after which it takes memory, up to 2 GB. */
const GREEDY = 'greedy';
const PIECE_BYTES = 20 * 1024 * 1024;
const MOST = 100;

export default defineAgent<{ resources?: CallResources }>({
  prewarm: (proc) => {
    const resources = testResources({ links: instantLinks() });
    const calls = { ...resources.config.calls, ...(JSON.parse(process.env.LIMITS ?? '{}') as object) };
    proc.userData.resources = { ...resources, config: { ...resources.config, calls } };
  },
  entry: async (context) => {
    const taken: Buffer[] = [];
    context.room.on(RoomEvent.DataReceived, (_payload, _sender, _kind, topic) => {
      if (topic === GREEDY) setInterval(() => taken.length < MOST && taken.push(Buffer.alloc(PIECE_BYTES, 1)), 50);
    });
    await runCall(context, context.proc.userData.resources as CallResources);
  },
});
