import { assembled, chunk, delta, DONE, STOP } from '../../../test/chat-chunks.js';

describe('the audio of an assembled completion', () => {
  it('is of use for no longer than its audio can be named in later requests', () => {
    const inAnHour = Math.floor(Date.now() / 1000) + 3600;
    const audio = { id: 'a1', data: 'AAAA', expires_at: inAnHour };
    const { keepSeconds } = assembled(chunk([delta({ audio })]), chunk([STOP]), DONE);
    expect(keepSeconds).toBeGreaterThan(3500);
    expect(keepSeconds).toBeLessThanOrEqual(3600);
    expect(assembled(chunk([STOP]), DONE).keepSeconds).toBeUndefined();
  });

  it('joins audio so that it is still base64, wherever it was cut', () => {
    const sound = Buffer.from(Array.from({ length: 100 }, (_, at) => at));
    for (const size of [1, 2, 3, 4, 7]) {
      const cuts = Array.from({ length: Math.ceil(100 / size) }, (_, at) => sound.subarray(at * size, (at + 1) * size));
      const frames = cuts.map((cut) => chunk([delta({ audio: { data: cut.toString('base64') } })]));
      const { message } = assembled(...frames, chunk([STOP]), DONE);
      expect(message?.['audio']).toEqual({ data: sound.toString('base64') });
    }
  });

  it('joins audio so that it is still base64', () => {
    const [first, second] = [Buffer.from('abcd'), Buffer.from('efghi')].map((part) => part.toString('base64'));
    const whole = assembled(
      chunk([delta({ role: 'assistant', audio: { id: 'a1', transcript: 'Hel' } })]),
      chunk([delta({ audio: { data: first } })]),
      chunk([delta({ audio: { data: second, transcript: 'lo' } })]),
      chunk([delta({ audio: { expires_at: 9 } })]),
      chunk([STOP]),
      DONE,
    );
    expect(whole.message?.['audio']).toEqual({
      id: 'a1',
      transcript: 'Hello',
      data: Buffer.from('abcdefghi').toString('base64'),
      expires_at: 9,
    });
  });
});
