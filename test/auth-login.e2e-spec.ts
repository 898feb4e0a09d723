import { startApp, type TestApp } from './support/app';

describe('logging in', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  it('registers', async () => {
    const p = await app.registers({ role: 'operator' });
    const me = await app.get('/api/users/me', { as: p });
    expect(me.body.role).toBe('operator');
  });
});
