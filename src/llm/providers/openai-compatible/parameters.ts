// What a request to a model of OpenAI's says besides the conversation: how little it may think, and how much it may say.

/**
 * The least effort that the model allows: callers don't hear the reasoning, and it delays the first word by seconds.
 * @param model OpenAI's own name
 * @returns undefined where the model takes no such parameter, or does without by itself: from gpt-5.1 on "none" is the default, and some
 *   of those refuse the parameter beside tools (`REASONING_EFFORT_TOOL_INCOMPATIBLE_PREFIXES` of @livekit/agents, inference/llm.js)
 */
export function leastReasoning(model: string): 'minimal' | 'low' | undefined {
  const family = model.replace(/-\d{4}-\d\d-\d\d$/, '');
  if (/^gpt-5(-mini|-nano)?$/.test(family)) return 'minimal';
  return /^(o1|o3|o3-mini|o4-mini)$/.test(family) ? 'low' : undefined;
}

/** Ten minutes of speech. Some hosts go on generating, and billing, when a reader leaves: this bounds each reply. */
const MOST_TOKENS = 2_048;
/** For models whose reasoning counts too: a reply is empty if the reasoning uses up all tokens. */
const MOST_REASONING_TOKENS = 8_192;

export function mostTokens(model: string): number {
  return /^(gpt-5|o\d)/.test(model) ? MOST_REASONING_TOKENS : MOST_TOKENS;
}
