/** What the conformance suite asks of a server with sessions: tools that ask the client back, log, and hang up while they work. */
import { z } from 'zod';
import { setTimeout as pause } from 'node:timers/promises';
import type { ElicitRequestFormParams, McpServer } from '@modelcontextprotocol/server';
import { text } from './plain-fixtures.js';

type Schema = ElicitRequestFormParams['requestedSchema'];

const DEFAULTS: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  },
};

const titled = (word: string) =>
  ['First', 'Second', 'Third'].map((title, at) => ({ const: `value${at + 1}`, title: `${title} ${word}` }));
const OPTIONS = ['option1', 'option2', 'option3'];
const CHOICES: Schema = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: OPTIONS },
    titledSingle: { type: 'string', oneOf: titled('Option') },
    legacyEnum: {
      type: 'string',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
    titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
  },
};

const USER: Schema = {
  type: 'object',
  properties: {
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" },
  },
  required: ['username', 'email'],
};

export function addSessionTools(server: McpServer): void {
  const elicits = (name: string, requestedSchema: Schema): void => {
    server.registerTool(
      name,
      { description: 'asks the user', inputSchema: z.object({ message: z.string().default('Please answer') }) },
      async ({ message }, { mcpReq }) => {
        const { action, content } = await mcpReq.elicitInput({ mode: 'form', message, requestedSchema });
        return { content: [text(`User response: action=${action}, content=${JSON.stringify(content)}`)] };
      },
    );
  };
  elicits('test_elicitation', USER);
  elicits('test_elicitation_sep1034_defaults', DEFAULTS);
  elicits('test_elicitation_sep1330_enums', CHOICES);
  server.registerTool(
    'test_sampling',
    { description: 'asks the model of the client', inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, { mcpReq }) => {
      const messages = [{ role: 'user' as const, content: text(prompt) }];
      const { content } = await mcpReq.requestSampling({ messages, maxTokens: 100 });
      return { content: [text(`LLM response: ${JSON.stringify(content)}`)] };
    },
  );
  server.registerTool('test_tool_with_logging', { description: 'logs' }, async ({ mcpReq }) => {
    for (const said of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await mcpReq.log('info', said);
      await pause(50);
    }
    return { content: [text('done')] };
  });
  server.registerTool('test_reconnection', { description: 'hangs up while it works' }, async ({ http }) => {
    http?.closeSSE?.();
    await pause(100);
    return { content: [text('Reconnection test completed successfully.')] };
  });
}
