// A session was asked for a reply while it gave another one, which has ended by now: it may be asked again.
export class BusyError extends Error {
  override readonly name = 'BusyError';
}
