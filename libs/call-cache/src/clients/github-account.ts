/** What a tenant has stored of its account: its own, whatever the service of this name is configured with. */
export interface GithubAccount {
  readonly token: string | null;
  readonly user: string | null;
}
