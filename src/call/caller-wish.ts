// What a call is asked to be, by name: room metadata first, then the attribute of the caller's token.

/** Room metadata is free text of the application: it counts only when it is a JSON object with that field as a string. */
export function callerWish(
  name: 'persona' | 'mode',
  roomMetadata: string,
  attributes: Readonly<Record<string, string>>,
): string | undefined {
  try {
    const wish = (JSON.parse(roomMetadata) as Partial<Record<string, unknown>>)[name];
    if (typeof wish === 'string') return wish;
  } catch {
    // The metadata is not JSON, or is null.
  }
  return attributes[name];
}
