// An error that its reader can mend: shown as one line and its way out, without a stack.

export class UserError extends Error {
  override readonly name = 'UserError';
  /** What to do about it. */
  readonly fix: string;

  constructor(message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.fix = fix;
  }
}

/** How a terminal shows any error: a UserError in one line, anything else with its stack, as it is our defect. */
export function describeError(error: unknown): string {
  if (error instanceof UserError) return `✖ ${error.message} → ${error.fix}`;
  return `✖ ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
