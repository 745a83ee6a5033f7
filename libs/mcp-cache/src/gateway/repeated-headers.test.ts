import { clientMessage, type McpError } from '../json-rpc/message.js';
import { checkRepeatedHeaders } from './repeated-headers.js';

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const NEW = { _meta: { [VERSION]: '2026-07-28' } };
const ALL = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'find' };

function verdict(message: object, headers: Record<string, string>): unknown {
  try {
    checkRepeatedHeaders(clientMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }))), headers);
    return 'agree';
  } catch (error) {
    const { httpStatus, rpcCode, code, details, id } = error as McpError;
    return { httpStatus, rpcCode, code, ...details, id };
  }
}

const calling = (params: object = {}) => ({ id: 7, method: 'tools/call', params: { name: 'find', ...params } });
const mismatch = (header: string, body: string) => ({
  httpStatus: 400,
  rpcCode: -32020,
  code: 'header_mismatch',
  mismatch: { header, body },
  id: 7,
});

describe('headers that repeat the body', () => {
  it.each([
    ['all of them', calling(NEW), ALL],
    ['a name that is coded', calling({ ...NEW, name: 'ñ' }), { ...ALL, 'mcp-name': '=?base64?w7E=?=' }],
    ['a resource', { id: 1, method: 'resources/read', params: { uri: 'a:b' } }, { 'mcp-name': 'a:b' }],
    ['none, where none is wanted', calling(), {}],
    ['none, of a notification', { method: 'notifications/x', params: NEW }, {}],
    ['a name for what has none', { id: 1, method: 'tools/list' }, { 'mcp-name': 'find' }],
    ['those of an answer', { id: 1, result: {} }, { 'mcp-method': 'tools/call' }],
  ])('agree: %s', (_what, message, headers) => {
    expect(verdict(message, headers)).toBe('agree');
  });

  it.each([
    ['the version', calling(NEW), { ...ALL, 'mcp-protocol-version': '2025-11-25' }, '2025-11-25', '2026-07-28'],
    ['the method', calling(NEW), { ...ALL, 'mcp-method': 'tools/list' }, 'tools/list', 'tools/call'],
    ['the name', calling(NEW), { ...ALL, 'mcp-name': 'drop' }, 'drop', 'find'],
    ['a coded name', calling(NEW), { ...ALL, 'mcp-name': '=?base64?w7E?=' }, '=?base64?w7E?=', 'find'],
    ['a name that is no text', calling(NEW), { ...ALL, 'mcp-name': '=?base64?/w==?=' }, '=?base64?/w==?=', 'find'],
    ['the method of an older revision', calling(), { 'mcp-method': 'tools/list' }, 'tools/list', 'tools/call'],
    ['one that is missing', calling(NEW), { 'mcp-protocol-version': '2026-07-28' }, '(missing)', 'tools/call'],
  ])('disagree: %s', (_what, message, headers, header, body) => {
    expect(verdict(message, headers)).toEqual(mismatch(header, body));
  });
});
