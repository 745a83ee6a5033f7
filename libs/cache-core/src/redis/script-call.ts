import type { Redis } from 'ioredis';
import type { ScriptArgument } from './link.js';
import type { Script } from './script.js';

type ScriptCall = (...args: readonly ScriptArgument[]) => Promise<unknown>;

/**
 * A command that the connection has defined: EVALSHA with the script's text in reserve. One loaded since then is sent as
 * text, because defining a command now would not reach the pipeline that ioredis may already be filling.
 */
export function callScript(client: Redis, script: Script, args: readonly ScriptArgument[]): Promise<unknown> {
  const call = (client as unknown as Record<string, ScriptCall | undefined>)[script.name];
  return call === undefined ? sendAsText(client, script, args) : call.apply(client, [...args]);
}

export function sendAsText(client: Redis, script: Script, args: readonly ScriptArgument[]): Promise<unknown> {
  return (client.eval as ScriptCall).call(client, script.lua, ...args);
}

/** Sends what asks for a slot that the server is only receiving: ASKING holds for the one command behind it. */
export function afterAsking<T>(client: Redis, send: () => Promise<T>): Promise<T> {
  // Both leave in one pipeline, in this order. Should it fail, then so does what comes behind it, and tells why.
  client.asking().catch(() => undefined);
  return send();
}
