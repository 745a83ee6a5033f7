/**
 * The Lua of a simulated server: the very scripts that the protocol sends, run by an interpreter, with `KEYS`, `ARGV`
 * and `redis.*` as Redis gives them (Redis's Lua is 5.1, the interpreter's 5.3; the scripts use what both understand).
 */
import fengari from 'fengari';
import { Failure, OK, Status, type Reply } from './reply.js';

const { lua, lauxlib, lualib } = fengari;
const luaText = (text: string): Uint8Array => fengari.to_luastring(text);

export type Call = (args: readonly Buffer[]) => Reply;

const state = lauxlib.luaL_newstate();
const compiled = new Map<string, number>();
let calling: Call = () => new Failure('ERR no script is running');

prepare();

/** @returns what the script returns, or the error it raised */
export function runScript(source: string, keys: readonly Buffer[], args: readonly Buffer[], call: Call): Reply {
  calling = call;
  const reference = compile(source);
  if (reference instanceof Failure) return reference;
  pushTexts(keys);
  lua.lua_setglobal(state, luaText('KEYS'));
  pushTexts(args);
  lua.lua_setglobal(state, luaText('ARGV'));
  lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, reference);
  const failed = lua.lua_pcall(state, 0, 1, 0) !== lua.LUA_OK;
  const reply = failed ? raised() : replyAt(-1);
  lua.lua_settop(state, 0);
  return reply;
}

function compile(source: string): number | Failure {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  if (lauxlib.luaL_loadstring(state, luaText(source)) !== lua.LUA_OK) {
    const message = lua.lua_tojsstring(state, -1);
    lua.lua_settop(state, 0);
    return new Failure(`ERR Error compiling script (new function): ${message}`);
  }
  const reference = lauxlib.luaL_ref(state, lua.LUA_REGISTRYINDEX);
  compiled.set(source, reference);
  return reference;
}

function prepare(): void {
  const libraries = {
    _G: lualib.luaopen_base,
    table: lualib.luaopen_table,
    string: lualib.luaopen_string,
    math: lualib.luaopen_math,
  };
  for (const [name, open] of Object.entries(libraries)) {
    lauxlib.luaL_requiref(state, luaText(name), open, 1);
    lua.lua_settop(state, 0);
  }
  lua.lua_createtable(state, 0, 5);
  addFunction('call', () => answerOf(true));
  addFunction('pcall', () => answerOf(false));
  addFunction('error_reply', () => wrapped('err'));
  addFunction('status_reply', () => wrapped('ok'));
  lua.lua_setglobal(state, luaText('redis'));
  lauxlib.luaL_dostring(state, luaText('unpack = table.unpack'));
  lua.lua_settop(state, 0);
}

function addFunction(name: string, work: () => number): void {
  lua.lua_pushjsfunction(state, work);
  lua.lua_setfield(state, -2, luaText(name));
}

function answerOf(raises: boolean): number {
  const args: Buffer[] = [];
  for (let at = 1; at <= lua.lua_gettop(state); at += 1) args.push(argumentAt(at));
  const reply = calling(args);
  push(reply);
  if (raises && reply instanceof Failure) return lua.lua_error(state);
  return 1;
}

function argumentAt(at: number): Buffer {
  if (lua.lua_type(state, at) !== lua.LUA_TNUMBER) return Buffer.from(lua.lua_tolstring(state, at) ?? []);
  return Buffer.from(String(lua.lua_tonumber(state, at)));
}

function wrapped(field: 'err' | 'ok'): number {
  lua.lua_createtable(state, 0, 1);
  lua.lua_pushvalue(state, 1);
  lua.lua_setfield(state, -2, luaText(field));
  return 1;
}

function pushTexts(texts: readonly Buffer[]): void {
  lua.lua_createtable(state, texts.length, 0);
  texts.forEach((text, at) => {
    lua.lua_pushlstring(state, text, text.length);
    lua.lua_rawseti(state, -2, at + 1);
  });
}

/** An answer as a script sees it: a missing value is `false`, a status and an error are tables. */
function push(reply: Reply): void {
  if (reply === null) lua.lua_pushboolean(state, false);
  // The interpreter's integers have 32 bits.
  else if (typeof reply === 'number' && reply === (reply | 0)) lua.lua_pushinteger(state, reply);
  else if (typeof reply === 'number') lua.lua_pushnumber(state, reply);
  else if (Buffer.isBuffer(reply)) lua.lua_pushlstring(state, reply, reply.length);
  else if (reply instanceof Status || reply instanceof Failure) {
    lua.lua_createtable(state, 0, 1);
    const text = Buffer.from(reply instanceof Status ? reply.text : reply.message);
    lua.lua_pushlstring(state, text, text.length);
    lua.lua_setfield(state, -2, luaText(reply instanceof Status ? 'ok' : 'err'));
  } else {
    const items = reply;
    lua.lua_createtable(state, items.length, 0);
    items.forEach((item, at) => {
      push(item);
      lua.lua_rawseti(state, -2, at + 1);
    });
  }
}

/** What a script returns, as Redis turns it into an answer: numbers lose their fraction, a table ends at its first nil. */
function replyAt(at: number): Reply {
  switch (lua.lua_type(state, at)) {
    case lua.LUA_TSTRING:
      return Buffer.from(lua.lua_tolstring(state, at) ?? []);
    case lua.LUA_TNUMBER:
      return Math.trunc(lua.lua_tonumber(state, at));
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(state, at) ? 1 : null;
    case lua.LUA_TTABLE:
      return tableAt(lua.lua_gettop(state) + 1 + at);
    default:
      return null;
  }
}

function tableAt(table: number): Reply {
  const failure = textField(table, 'err');
  if (failure !== null) return new Failure(failure);
  const status = textField(table, 'ok');
  if (status !== null) return status === 'OK' ? OK : new Status(status);
  const items: Reply[] = [];
  for (let at = 1; ; at += 1) {
    const type = lua.lua_rawgeti(state, table, at);
    if (type === lua.LUA_TNIL) break;
    items.push(replyAt(-1));
    lua.lua_settop(state, -2);
  }
  lua.lua_settop(state, -2);
  return items;
}

function textField(table: number, name: string): string | null {
  lua.lua_pushstring(state, luaText(name));
  const type = lua.lua_rawget(state, table);
  const text = type === lua.LUA_TSTRING ? Buffer.from(lua.lua_tolstring(state, -1) ?? []).toString() : null;
  lua.lua_settop(state, -2);
  return text;
}

function raised(): Failure {
  const reply = replyAt(-1);
  if (reply instanceof Failure) return reply;
  return new Failure(`ERR ${Buffer.isBuffer(reply) ? reply.toString() : 'script failed'}`.replace(/\s+/g, ' '));
}
