// How a model that speaks by itself is asked for a persona's greeting.

export function greetingInstructions(greeting: string): string {
  return `The caller has just joined. Greet them with exactly these words, and say nothing else: "${greeting}"`;
}
