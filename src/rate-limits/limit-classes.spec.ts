import { limitClassOf } from './limit-classes';

describe('the class of a route', () => {
  it.each([
    ['POST /api/auth/login', true, 'auth'],
    ['POST /api/auth/register', true, 'auth'],
    ['POST /api/auth/password/reset', true, 'auth'],
    ['POST /api/auth/password/change', false, 'auth'],
    ['POST /api/auth/wallet/login', true, 'auth'],
    ['POST /api/auth/refresh', true, 'public'],
    ['GET /api/auth/sessions', false, 'api'],
    ['POST /api/trading/orders', false, 'trading'],
    ['POST /api/offers/:id/purchase', false, 'trading'],
    ['GET /api/offers', true, 'public'],
    ['GET /api/trading/orderbook/:market', true, 'public'],
    ['POST /api/meters/readings', false, 'readings'],
    ['GET /api/meters/stats', false, 'api'],
    ['GET /api/admin/audit', false, 'admin'],
    ['GET /api/users', false, 'admin'],
    ['PUT /api/users/:id/organization', false, 'admin'],
    ['GET /api/users/me', false, 'api'],
    ['GET /a/route/that/nobody/has/named', false, 'api'],
    ['GET /docs', true, 'public'],
  ])('of %s is told by the table, or by whether it needs a log-in', (endpoint, isPublic, expected) => {
    expect(limitClassOf(endpoint, isPublic)).toBe(expected);
  });

  it.each(['GET /health', 'GET /health/live', 'GET /health/ready', 'GET /metrics'])(
    'is none for %s, which is never limited',
    (endpoint) => {
      expect(limitClassOf(endpoint, true)).toBeUndefined();
    },
  );
});
