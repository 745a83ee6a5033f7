export const FAST_SETTINGS: Readonly<Record<string, string>>;
