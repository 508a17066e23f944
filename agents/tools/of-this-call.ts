// What tools remember of a call, for as long as its process serves; a process serves few calls.

const REMEMBERED = 100;

/** One value per call, made when it is first asked for. */
export function ofThisCall<Value>(make: () => Value): (callId: string) => Value {
  const values = new Map<string, Value>();
  return (callId) => {
    const known = values.get(callId);
    if (known !== undefined) return known;
    const value = make();
    values.set(callId, value);
    const oldest = values.keys().next();
    if (values.size > REMEMBERED && !oldest.done) values.delete(oldest.value);
    return value;
  };
}
