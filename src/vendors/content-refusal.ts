// How vendors and LiveKit's plugins say in words that a filter took offence: OpenAI, Azure, OpenRouter's moderation, Gemini.

const WORDS =
  /content[_ ]filter|content management policy|content_policy|ResponsibleAI|was flagged|requires moderation|prompt feedback|blockReason|generation blocked|PROHIBITED_CONTENT/i;

export function isContentRefusal(message: string): boolean {
  return WORDS.test(message);
}
