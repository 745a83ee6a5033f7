import { UsageReader } from './usage-reader.js';

function read(contentType: string, ...pieces: string[]): UsageReader['usage'] {
  const reader = new UsageReader(contentType);
  for (const piece of pieces) reader.read(Buffer.from(piece));
  return reader.usage;
}

describe('UsageReader', () => {
  it('reads a JSON body that comes in pieces', () => {
    const body = '{"usage":{"prompt_tokens":3,"completion_tokens":4}}';
    expect(read('application/json', body.slice(0, 12), body.slice(12))).toEqual({ inputTokens: 3, outputTokens: 4 });
  });

  it('reads the usage chunk of a stream whose lines are torn anywhere', () => {
    const stream =
      'data: {"choices":[],"usage":null}\n\ndata: {"usage":{"prompt_tokens":30,"completion_tokens":41}}\n\ndata: [DONE]\n\n';
    for (let cut = 1; cut < stream.length; cut += 1) {
      const usage = read('text/event-stream', stream.slice(0, cut), stream.slice(cut));
      expect(usage).toEqual({ inputTokens: 30, outputTokens: 41 });
    }
  });

  it('joins what the Messages protocol tells at the start and at the end', () => {
    const start = 'data: {"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}\n\n';
    const end = 'data: {"type":"message_delta","usage":{"output_tokens":9}}\n\n';
    expect(read('text/event-stream', start, end)).toEqual({ inputTokens: 7, outputTokens: 9 });
  });

  it('takes a missing usage as unknown, not as zero', () => {
    expect(read('application/json', '{"choices":[]}')).toBeNull();
    expect(read('application/json', '{"usage":{}}')).toEqual({ inputTokens: null, outputTokens: null });
    expect(read('application/json', '{"usage":{"prompt_tokens":3')).toBeNull();
    expect(read('text/plain', '{"usage":{"prompt_tokens":3}}')).toBeNull();
  });
});
