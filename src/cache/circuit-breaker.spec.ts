import { CircuitBreaker, type BreakerState } from './circuit-breaker';

jest.useFakeTimers();

describe('a circuit breaker', () => {
  let outcomes: ('back' | 'away')[];
  let tries: number;
  let seen: BreakerState[];
  let breaker: CircuitBreaker;

  beforeEach(() => {
    [outcomes, tries, seen] = [[], 0, []];
    breaker = new CircuitBreaker({
      tryAgain: () => {
        tries++;
        return outcomes.shift() === 'back' ? Promise.resolve() : Promise.reject(new Error('away'));
      },
      changed: (state) => seen.push(state),
    });
  });
  afterEach(() => breaker.stop());

  it('opens after failures in a row, not before', () => {
    for (let round = 0; round < 5; round++) {
      breaker.failed('x');
      breaker.failed('x');
      breaker.succeeded();
    }
    expect(breaker.isClosed).toBe(true);
    for (let failure = 0; failure < 3; failure++) breaker.failed('x');
    expect(seen).toEqual(['open']);
  });

  it('tries with growing pauses until it is back', async () => {
    outcomes = ['away', 'away', 'back'];
    breaker.open('x');
    for (const [after, made] of [
      [100, 1],
      [200, 2],
      [400, 3],
    ] as const) {
      await jest.advanceTimersByTimeAsync(after - 1);
      expect(tries).toBe(made - 1);
      await jest.advanceTimersByTimeAsync(1);
      expect(tries).toBe(made);
    }
    expect(breaker.isClosed).toBe(true);
    expect(seen).toEqual(['open', 'half-open', 'open', 'half-open', 'open', 'half-open', 'closed']);
  });

  it('tries once more when something failed while it was being tried', async () => {
    outcomes = ['back', 'back'];
    breaker.open('x');
    void breaker.hurry();
    breaker.open('again');
    await jest.advanceTimersByTimeAsync(0);
    expect(tries).toBe(2);
    expect(breaker.isClosed).toBe(true);
  });
});
