import { judgeRoom } from './disk.check';

const GB = 1024 ** 3;

describe('room on the disk', () => {
  it('is enough, little or nearly none by its share', () => {
    expect(judgeRoom('/data', 15 * GB, 100 * GB)).toEqual({
      status: 'up',
      detail: '15.0 GB of 100 GB (15.0 %) are free where /data lies',
      figures: { freeBytes: 15 * GB, sizeBytes: 100 * GB, freeShare: 0.15 },
    });
    expect(judgeRoom('/data', 14.9 * GB, 100 * GB)).toMatchObject({
      status: 'degraded',
      remedy: expect.stringContaining('/api/admin/db/space'),
    });
    expect(judgeRoom('/data', 4.9 * GB, 100 * GB)).toMatchObject({ status: 'down' });
  });

  it('of a file system that tells no size is none', () => {
    expect(judgeRoom('/proc', 0, 0)).toMatchObject({ status: 'down', figures: { freeShare: 0 } });
  });
});
