// Free times of a calendar: the ones that a caller would like, and how they are spoken.

export const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;
export type PartOfDay = 'morning' | 'afternoon';

export interface Wish {
  readonly day?: (typeof WEEKDAYS)[number] | undefined;
  readonly part?: PartOfDay | undefined;
}

const NOON = 12;

/** The slots (ISO strings with offset) on the wished day and part of the day, by the calendar's own clock. */
export function pickSlots(slots: readonly string[], { day, part }: Wish): readonly string[] {
  return slots.filter((slot) => {
    const { weekday, hour } = wallClock(slot);
    const fitsPart = part === undefined || (part === 'morning') === hour < NOON;
    return fitsPart && (day === undefined || weekday === day);
  });
}

/** "2026-03-03T10:30:00-05:00" → "Tuesday, March 3 at 10:30 AM", by the clock of that offset. */
export function inWords(slot: string): string {
  const { weekday, date, hour, minute } = wallClock(slot);
  const minutes = minute === 0 ? '' : `:${String(minute).padStart(2, '0')}`;
  return `${weekday}, ${date} at ${hour % NOON || NOON}${minutes} ${hour < NOON ? 'AM' : 'PM'}`;
}

/** The time as written, whatever the offset and the zone of this machine are. */
function wallClock(slot: string): { weekday: string; date: string; hour: number; minute: number } {
  const asUtc = new Date(`${slot.slice(0, 16)}:00Z`);
  const format = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('en-US', { ...options, timeZone: 'UTC' }).format(asUtc);
  return {
    weekday: format({ weekday: 'long' }),
    date: format({ month: 'long', day: 'numeric' }),
    hour: asUtc.getUTCHours(),
    minute: asUtc.getUTCMinutes(),
  };
}
