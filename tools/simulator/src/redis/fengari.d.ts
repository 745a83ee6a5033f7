/** The part of the interpreter's C-like interface that is used; the package has no types of its own. */
declare module 'fengari' {
  interface LuaState {
    readonly brand: unique symbol;
  }
  type Text = Uint8Array;
  type Library = (state: LuaState) => number;

  const fengari: {
    to_luastring(text: string): Text;
    lua: {
      LUA_OK: number;
      LUA_REGISTRYINDEX: number;
      LUA_TNIL: number;
      LUA_TBOOLEAN: number;
      LUA_TNUMBER: number;
      LUA_TSTRING: number;
      LUA_TTABLE: number;
      lua_createtable(state: LuaState, items: number, fields: number): void;
      lua_error(state: LuaState): number;
      lua_gettop(state: LuaState): number;
      lua_pcall(state: LuaState, args: number, results: number, handler: number): number;
      lua_pushboolean(state: LuaState, value: boolean): void;
      lua_pushinteger(state: LuaState, value: number): void;
      lua_pushjsfunction(state: LuaState, work: Library): void;
      lua_pushlstring(state: LuaState, bytes: Text, length: number): void;
      lua_pushnumber(state: LuaState, value: number): void;
      lua_pushstring(state: LuaState, text: Text): void;
      lua_pushvalue(state: LuaState, at: number): void;
      lua_rawget(state: LuaState, at: number): number;
      lua_rawgeti(state: LuaState, at: number, index: number): number;
      lua_rawseti(state: LuaState, at: number, index: number): void;
      lua_setfield(state: LuaState, at: number, name: Text): void;
      lua_setglobal(state: LuaState, name: Text): void;
      lua_settop(state: LuaState, top: number): void;
      lua_toboolean(state: LuaState, at: number): boolean;
      lua_tojsstring(state: LuaState, at: number): string;
      lua_tolstring(state: LuaState, at: number): Text | null;
      lua_tonumber(state: LuaState, at: number): number;
      lua_type(state: LuaState, at: number): number;
    };
    lauxlib: {
      luaL_dostring(state: LuaState, source: Text): number;
      luaL_loadstring(state: LuaState, source: Text): number;
      luaL_newstate(): LuaState;
      luaL_ref(state: LuaState, table: number): number;
      luaL_requiref(state: LuaState, name: Text, open: Library, global: number): void;
    };
    lualib: { luaopen_base: Library; luaopen_math: Library; luaopen_string: Library; luaopen_table: Library };
  };
  export default fengari;
}
