// In what order the links of a chain are asked: priority first, then what the configuration prefers, then in turn.
import type { ProviderTraits } from '../config/provider.ts';

export type OrderBy = 'cost' | 'quality' | 'region' | 'load';

export interface OrderedLink {
  readonly id: string;
  readonly traits: ProviderTraits;
  /** Lower is asked earlier; equals are ordered by `orderBy` and then asked in turn. */
  readonly priority: number;
}

export interface OrderOptions {
  readonly orderBy?: OrderBy | undefined;
  /** The region of this worker, for 'region'. */
  readonly region?: string | undefined;
  /** Sessions that a link serves now, for 'load'. */
  readonly load?: ((id: string) => number) | undefined;
  /** Rises by one with each operation, so that equals take turns. */
  readonly turn: number;
}

export function orderLinks<Link extends OrderedLink>(links: readonly Link[], options: OrderOptions): Link[] {
  const ranked = links.map((link) => ({ link, rank: rankOf(link, options) }));
  ranked.sort((a, b) => a.link.priority - b.link.priority || a.rank - b.rank);
  const ordered: Link[] = [];
  for (let from = 0; from < ranked.length; ) {
    const first = ranked[from] as (typeof ranked)[number];
    let to = from + 1;
    while (ranked[to]?.link.priority === first.link.priority && ranked[to]?.rank === first.rank) to += 1;
    const equals = ranked.slice(from, to).map(({ link }) => link);
    const shift = options.turn % equals.length;
    ordered.push(...equals.slice(shift), ...equals.slice(0, shift));
    from = to;
  }
  return ordered;
}

/** Lower is better; an unknown cost, quality or region comes last. */
function rankOf({ id, traits }: OrderedLink, { orderBy, region, load }: OrderOptions): number {
  switch (orderBy) {
    case 'cost':
      return traits.usdPerMinute ?? Number.MAX_VALUE;
    case 'quality':
      return -(traits.quality ?? 0);
    case 'region':
      return region !== undefined && traits.regions?.includes(region) ? 0 : 1;
    case 'load':
      return load?.(id) ?? 0;
    default:
      return 0;
  }
}
