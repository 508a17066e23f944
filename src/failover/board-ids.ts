// By what names the health board knows a provider: its service in a stage, and each of its keys, as they fail apart.

export interface BoardLink {
  /** Of the provider. */
  readonly id: string;
  /** Of its key, where it may have several. */
  readonly keyFingerprint?: string | undefined;
}

export function serviceId(stage: string, { id }: Pick<BoardLink, 'id'>): string {
  return `${stage}/${id}`;
}

/** The service's own where there is no key. */
export function keyId(stage: string, link: BoardLink): string {
  const service = serviceId(stage, link);
  return link.keyFingerprint ? `${service}#${link.keyFingerprint}` : service;
}

/** Each of them once. */
export function boardIds(stage: string, link: BoardLink): string[] {
  return [...new Set([serviceId(stage, link), keyId(stage, link)])];
}
