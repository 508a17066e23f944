// What a call is asked to be, by name: room metadata first, then the attribute of the caller's token.

/** Room metadata is the application's own text, so anything but an object with that field says nothing. */
export function callerWish(
  name: 'persona' | 'mode',
  roomMetadata: string,
  attributes: Readonly<Record<string, string>>,
): string | undefined {
  try {
    const wish = (JSON.parse(roomMetadata) as Partial<Record<string, unknown>>)[name];
    if (typeof wish === 'string') return wish;
  } catch {
    // No JSON, or nothing that has fields.
  }
  return attributes[name];
}
