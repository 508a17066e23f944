// By what names the health board knows a provider: its service in a stage, and each of its keys, as they fail apart.

export interface BoardLink {
  /** Id of the provider. */
  readonly id: string;
  /** Fingerprint of its key, where the provider may have several. */
  readonly keyFingerprint?: string | undefined;
}

export function serviceId(stage: string, { id }: Pick<BoardLink, 'id'>): string {
  return `${stage}/${id}`;
}

/** Id of the key; that of the service where there is no key. */
export function keyId(stage: string, link: BoardLink): string {
  const service = serviceId(stage, link);
  return link.keyFingerprint ? `${service}#${link.keyFingerprint}` : service;
}

/** Ids of the service and of the key, each once. */
export function boardIds(stage: string, link: BoardLink): string[] {
  return [...new Set([serviceId(stage, link), keyId(stage, link)])];
}
