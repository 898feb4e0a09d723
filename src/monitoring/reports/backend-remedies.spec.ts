import { stopBackend } from './backend-remedies';

describe('how to stop who keeps others waiting', () => {
  it('is to cancel a statement first, and to end a session that runs none', () => {
    expect(stopBackend(7, 'client backend', false)).toMatch(/backends\/7\/cancel .*backends\/7\/terminate /);
    expect(stopBackend(7, 'client backend', true)).not.toContain('cancel');
    expect(stopBackend(7, null, false)).toContain('backends/7/cancel');
  });

  it('is to cancel autovacuum, by those who may', () => {
    expect(stopBackend(7, 'autovacuum worker', false)).toMatch(
      /backends\/7\/cancel .*autovacuum comes again/,
    );
  });

  it('is no route of ours for what serves no client', () => {
    expect(stopBackend(7, 'walsender', false)).toContain('SELECT pg_terminate_backend(7)');
    expect(stopBackend(7, 'walsender', false)).not.toContain('/api/');
  });
});
