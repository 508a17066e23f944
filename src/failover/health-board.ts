// What policy knows and tells of the health of all providers; src/health has the boards.
import type { Admission, Health, Outcome } from './health.ts';

/** Ids are `stage/provider`, with `#fingerprint` of the key for what concerns the key alone. */
export interface HealthBoard {
  health(id: string): Health;
  /** What `admit` would return. Neither method ever waits for another process. */
  peek(id: string): Admission | undefined;
  /** Whether a call may be made now; its outcome must be reported. */
  admit(id: string): Admission | undefined;
  report(id: string, outcome: Outcome): void;
  /** Attempts under way at the provider in all known calls. */
  load(id: string): number;
  /** Counts an attempt at the provider as under way until the returned function is called. */
  occupy(id: string): () => void;
  /** `listener` is called after each change except of mere latencies; the returned function removes it. */
  onChange(listener: (id: string, health: Health) => void): () => void;
}
