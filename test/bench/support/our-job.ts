// Our own call process, with providers that answer at once in place of real ones.
import { defineAgent } from '@livekit/agents';
import { type CallResources, runCall } from '../../../src/call/run-call.ts';
import { instantLinks } from '../../support/instant-links.ts';
import { testResources } from '../../support/test-resources.ts';

export default defineAgent<{ resources?: CallResources }>({
  prewarm: (process) => {
    process.userData.resources = testResources({ links: instantLinks() });
  },
  entry: async (context) => {
    await runCall(context, context.proc.userData.resources as CallResources);
  },
});
