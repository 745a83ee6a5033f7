/** What a search answers. */
export interface FoundImage {
  readonly id: string;
  readonly url: string;
  readonly hashtags: readonly string[];
}

export interface Match extends FoundImage {
  /** Cosine similarity, from -1 to 1. */
  readonly score: number;
}

export interface VectorQuery {
  readonly tenant: string;
  /** Only within this campaign. */
  readonly campanaId: string | null;
  /** Names the embedder; vectors of other spaces are not looked at. */
  readonly space: string;
  /** Of length 1. */
  readonly vector: Float32Array;
  readonly limit: number;
}

/** Where content is searched: a strategy that the application chooses. Only content with an address is found. */
export interface VectorSource {
  /** The best first; equals by their id. */
  search(query: VectorQuery): Promise<readonly Match[]>;
  /** What is to be shown of these, by id; what is gone is left out. */
  images(tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, FoundImage>>;
  close?(): Promise<void>;
}

/** Similarities differ between sources in their last digits; nobody ranks by those. */
export function scored(similarity: number): number {
  return Math.round(similarity * 1e6) / 1e6;
}

/** Equals by their id. */
export function bestFirst(one: Pick<Match, 'id' | 'score'>, other: Pick<Match, 'id' | 'score'>): number {
  return other.score - one.score || (one.id < other.id ? -1 : 1);
}
