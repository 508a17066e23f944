// What the browser remembers between visits. Some browsers forbid it, and the page works without.

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`bulletproof.${name}`, value);
  } catch {
    // Storage is off: the choice lasts until the page is closed.
  }
}

export function recall(name: string): string | undefined {
  try {
    return localStorage.getItem(`bulletproof.${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}
