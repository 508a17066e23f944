// A recogniser that gets words wrong, the same ones each time: substitutions, deletions, insertions at a given rate.

/** What recognisers commonly make of words. */
const SOUND_ALIKES: Readonly<Record<string, readonly string[]>> = {
  your: ['you', 'or'],
  are: ['or', 'our'],
  hours: ['ours', 'powers', 'our'],
  opening: ['open in', 'hoping'],
  open: ['opened', 'hoping'],
  much: ['match', 'march'],
  cost: ['caused', 'costs', 'cast'],
  price: ['prize', 'rice'],
  warranty: ['warrant', 'warranties', 'war and tea'],
  installation: ['insulation', 'installations'],
  take: ['takes', 'tape'],
  long: ['along', 'wrong'],
  finance: ['find ants', 'finances'],
  financing: ['finance in', 'fire nothing'],
  battery: ['battering', 'batteries', 'better'],
  night: ['knight', 'nine'],
  where: ['were', 'wear'],
  located: ['locate it', 'locate'],
  book: ['look', 'books'],
  visit: ['visits', 'is it'],
  appointment: ['apartment', 'a point meant', 'appointments'],
  schedule: ['schedules', 'shed you'],
  message: ['messages', 'massage', 'passage'],
  leave: ['leaf', 'lead', 'live'],
  call: ['cold', 'called'],
  back: ['pack', 'bag'],
  order: ['orders', 'older', 'border'],
  delivery: ['deliver', 'delivers he', 'the livery'],
  return: ['returns', 'return it', 'retire'],
  refund: ['refunds', 'the fund', 'reef and'],
  missing: ['missed in', 'kissing'],
  part: ['parts', 'park'],
  broken: ['broke in', 'spoken'],
  money: ['many', 'mummy'],
  quote: ['quotes', 'coat'],
  ticket: ['tickets', 'thicket'],
  complaint: ['complain', 'complete'],
  time: ['times', 'dime'],
  close: ['closed', 'clothes'],
  want: ['won', 'went'],
  would: ['wood'],
  like: ['light'],
  tell: ['tale'],
  know: ['no'],
  guarantee: ['guaranteed', 'gary tea'],
};
const STRAY = [
  'the',
  'a',
  'and',
  'of',
  'it',
  'in',
  'uh',
  'that',
  'on',
  'thirty',
  'very',
  'said',
  'little',
  'house',
  'man',
];

/** Pseudo-random numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** @param rate share of the words that are wrong: six in ten of them replaced, a quarter lost, the others added to */
export function mishear(text: string, rate: number, random: () => number): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)] ?? '';
  return text
    .toLowerCase()
    .split(' ')
    .flatMap((word) => {
      if (random() >= rate) return [word];
      const kind = random();
      if (kind < 0.6) return [pick(SOUND_ALIKES[word] ?? STRAY)];
      return kind < 0.85 ? [] : [word, pick(STRAY)];
    })
    .join(' ');
}
