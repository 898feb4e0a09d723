import { Controller, Get, Header, Post, type Type } from '@nestjs/common';
import { Public } from '../src/auth/decorators';
import { HttpCache } from '../src/cache/http/http-cache.decorator';
import type { HttpCachePolicy } from '../src/cache/http/http-cache-policy';
import type { DatabaseUrls } from '../src/database/database.module';
import { migratedDatabase } from './support/database';
import { startWith } from './support/http-cache-lab';

const policy = (name: string): HttpCachePolicy => ({
  prefix: `http:lab:${name}`,
  ttlSeconds: 60,
  scope: 'public',
  tags: ['lab'],
});

let urls: DatabaseUrls;
beforeAll(async () => {
  urls = await migratedDatabase();
});

describe('@HttpCache stops the start', () => {
  const faultOf = async (controller: Type): Promise<string> => {
    try {
      await (await startWith(controller, { urls })).close();
      return 'it started';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('on a route that wants a log-in and would give its answers to everybody', async () => {
    @Controller('secrets')
    class SecretsController {
      @Get(':id')
      @HttpCache(policy('secrets'))
      one() {
        return {};
      }
    }
    expect(await faultOf(SecretsController)).toBe(
      "GET /secrets/:id (SecretsController.one) wants a log-in, and @HttpCache would give its answers to everybody: say scope: 'user', or @Public() if they are for everybody",
    );
  });

  it('on anything but a GET, on headers of its own, and on a shared prefix', async () => {
    @Controller('wrong')
    class WrongController {
      @Post()
      @Public()
      @HttpCache(policy('one'))
      make() {
        return {};
      }

      @Get()
      @Public()
      @Header('link', '<https://example.org>')
      @HttpCache(policy('one'))
      read() {
        return {};
      }
    }
    const faults = await faultOf(WrongController);
    expect(faults).toContain('POST /wrong (WrongController.make) is no GET');
    expect(faults).toContain(
      'GET /wrong (WrongController.read) has a status, headers or a stream of its own',
    );
    expect(faults).toContain('keep answers under the same prefix http:lab:one');
  });
});
