// What "go on" means for the language model: the reply that was begun is finished by a provider that can.
import type { LlmClient, LlmPart, LlmRequest, LlmTraits } from './contract.ts';

export interface LlmLink {
  readonly id: string;
  /** What people call it; the id where absent. */
  readonly title?: string;
  readonly traits: LlmTraits;
  readonly client: LlmClient;
}

/**
 * One reply over the chain's link.
 * @throws RangeError when `links` is empty
 */
export function replyOverChain(links: readonly LlmLink[], request: LlmRequest): AsyncIterable<LlmPart> {
  const link = links[0];
  if (!link) throw new RangeError('a chain needs at least one link');
  return link.client.reply(request);
}
