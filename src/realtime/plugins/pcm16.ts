// Whether a vendor's audio can be decoded: plugins pass over what can't, and its words would be lost in silence.

/** @param base64 of one message */
export function isPcm16(base64: string): boolean {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return false;
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return ((base64.length / 4) * 3 - padding) % 2 === 0;
}
