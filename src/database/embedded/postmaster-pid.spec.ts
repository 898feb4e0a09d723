import { isPostmasterOf, parsePostmasterPid } from './postmaster-pid';

describe('postmaster.pid', () => {
  it('tells pid, port and status', () => {
    const text = '4224\n/data/postgres\n1795310277\n45671\n\n127.0.0.1\n  2146331         6\nready   \n';
    expect(parsePostmasterPid(text)).toEqual({ pid: 4224, port: 45671, status: 'ready' });
  });

  it('is read while it is being written', () => {
    expect(parsePostmasterPid('4224\n/data/postgres\n1795310277\n45671\n')).toEqual({
      pid: 4224,
      port: 45671,
      status: 'unknown',
    });
    expect(parsePostmasterPid('')).toEqual({ pid: 0, port: null, status: 'unknown' });
  });

  it('takes the negative number of a stand-alone backend for its pid', () => {
    expect(parsePostmasterPid('-4224\n/data/postgres\n').pid).toBe(4224);
  });

  it('knows that this process is no postmaster, nor is nobody', () => {
    expect(isPostmasterOf(process.pid, '/data/postgres')).toBe(false);
    expect(isPostmasterOf(0, '/data/postgres')).toBe(false);
  });
});
