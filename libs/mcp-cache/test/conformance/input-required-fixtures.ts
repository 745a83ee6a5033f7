/** What the conformance suite asks of a server without sessions: results that want more input, and what a stream may carry. */
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  inputRequired,
  inputResponse,
  type ClientCapabilities,
  type InputRequests,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { text } from './plain-fixtures.js';

/** Of all instances: a request may be answered by another one than the last. */
export const STATES = createRequestStateCodec<string>({ key: 'of the conformance fixtures, and at least 32 bytes' });

const done = (said: string) => ({ content: [text(said)] });
const asks = (message: string, shape: z.ZodRawShape) =>
  inputRequired.elicit({ message, requestedSchema: z.object(shape) });
const samples = (prompt: string, maxTokens: number) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: text(prompt) }], maxTokens });
const answered = ({ mcpReq }: ServerContext, ...keys: readonly string[]): boolean =>
  keys.every((key) => inputResponse(mcpReq.inputResponses, key).kind !== 'missing');

/** A tool that asks once, for all of this, with a state where `state` says so. */
interface Asking {
  readonly name: string;
  readonly wanted: () => InputRequests;
  readonly state?: string;
}

const NAME = () => asks('What is your name?', { name: z.string() });
const ASKING: readonly Asking[] = [
  { name: 'sampling', wanted: () => ({ capital_question: samples('What is the capital of France?', 100) }) },
  { name: 'list_roots', wanted: () => ({ client_roots: inputRequired.listRoots() }) },
  { name: 'request_state', wanted: () => ({ confirm: asks('Please confirm', { ok: z.boolean() }) }), state: 'asked' },
  { name: 'tampered_state', wanted: () => ({ confirm: asks('Please confirm', { ok: z.boolean() }) }), state: 'asked' },
  {
    name: 'multiple_inputs',
    wanted: () => ({
      user_name: NAME(),
      greeting: samples('Generate a greeting', 50),
      client_roots: inputRequired.listRoots(),
    }),
    state: 'asked',
  },
];

export function addInputRequired(server: McpServer): void {
  const tool = (name: string, run: (context: ServerContext) => unknown): void => {
    server.registerTool(name, { description: 'wants more input' }, async (context) => (await run(context)) as never);
  };
  tool('test_input_required_result_elicitation', ({ mcpReq }) => {
    const given = acceptedContent(mcpReq.inputResponses, 'user_name', z.object({ name: z.string() }));
    if (given === undefined) return inputRequired({ inputRequests: { user_name: NAME() } });
    return done(`Hello, ${given.name}!`);
  });
  for (const { name, wanted, state } of ASKING) {
    tool(`test_input_required_result_${name}`, async (context) => {
      const inputRequests = wanted();
      const known = state === undefined || context.mcpReq.requestState() === state;
      if (known && answered(context, ...Object.keys(inputRequests))) return done('state-ok');
      const requestState = state === undefined ? {} : { requestState: await STATES.mint(state) };
      return inputRequired({ inputRequests, ...requestState });
    });
  }
  tool('test_input_required_result_multi_round', async (context) => {
    const state = context.mcpReq.requestState<string>();
    if (state === 'second' && answered(context, 'step2')) return done('both steps were answered');
    if (state === 'first' && answered(context, 'step1')) {
      const step2 = asks('Step 2: What is your favorite color?', { color: z.string() });
      return inputRequired({ inputRequests: { step2 }, requestState: await STATES.mint('second') });
    }
    const step1 = asks('Step 1: What is your name?', { name: z.string() });
    return inputRequired({ inputRequests: { step1 }, requestState: await STATES.mint('first') });
  });
  tool('test_input_required_result_capabilities', (context) => {
    const { sampling, elicitation } = capabilitiesOf(context);
    const inputRequests = {
      ...(sampling === undefined ? {} : { greeting: samples('Generate a greeting', 50) }),
      ...(elicitation === undefined ? {} : { user_name: NAME() }),
    };
    return answered(context, ...Object.keys(inputRequests)) ? done('answered') : inputRequired({ inputRequests });
  });
  server.registerPrompt('test_input_required_result_prompt', { description: 'wants context' }, (context) => {
    if (!answered(context, 'user_context')) {
      const user_context = asks('What context should the prompt use?', { context: z.string() });
      return inputRequired({ inputRequests: { user_context } });
    }
    return { messages: [{ role: 'user' as const, content: text('with the context that was given') }] };
  });
}

/** @param changed told which list a tool has changed */
export function addStreamTools(server: McpServer, changed: (list: 'tools' | 'prompts') => void): void {
  // That the client has not said that it can is noticed by the SDK.
  server.registerTool('test_missing_capability', { description: 'needs sampling' }, (context) =>
    answered(context, 'greeting')
      ? done('sampling is there')
      : inputRequired({ inputRequests: { greeting: samples('Generate a greeting', 50) } }),
  );
  server.registerTool('test_streaming_elicitation', { description: 'asks in its stream' }, async ({ mcpReq }) => {
    if (inputResponse(mcpReq.inputResponses, 'user_name').kind !== 'missing') return done('answered');
    return inputRequired({ inputRequests: { user_name: NAME() } });
  });
  server.registerTool('test_logging_tool', { description: 'logs where that is wanted' }, async ({ mcpReq }) => {
    await mcpReq.log('info', 'Tool execution started');
    return done('logged');
  });
  for (const list of ['tools', 'prompts'] as const) {
    server.registerTool(`test_trigger_${list.slice(0, -1)}_change`, { description: `changes the ${list}` }, () => {
      changed(list);
      return done('changed');
    });
  }
}

function capabilitiesOf({ mcpReq }: ServerContext): ClientCapabilities {
  const { [CLIENT_CAPABILITIES_META_KEY]: declared } = (mcpReq.envelope ?? {}) as Record<string, unknown>;
  return declared ?? {};
}
