/** A server as it is configured, with its secrets: not to be shown. */
export type Share = 'session' | 'principal' | 'public';
export type Trust = 'private' | 'public';

export interface CachePermission {
  readonly cache: boolean;
  /** Also where the tool does not declare that it only reads. */
  readonly force: boolean;
  /** Its results carry accounting, and lie in `mcp:tool`. */
  readonly accounting: boolean;
  readonly ttlSeconds: number | null;
}

export type Reached =
  | {
      readonly kind: 'http';
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      /** Its name may lead to addresses that are nobody's outside. @default false */
      readonly privateAddresses?: boolean;
    }
  | {
      readonly kind: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    };

export interface McpServer {
  readonly tenant: string;
  readonly name: string;
  readonly reached: Reached;
  readonly trust: Trust;
  readonly share: Share;
  readonly tools: ReadonlyMap<string, CachePermission>;
  readonly prompts: ReadonlyMap<string, CachePermission>;
  readonly ttlCapSeconds: number | null;
  /** Another one when it is reached otherwise: what another server said is nobody's answer. */
  readonly identity: string;
}
