import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { HttpCacheInterceptor } from './http-cache.interceptor';
import { HTTP_CACHE, type HttpCachePolicy } from './http-cache-policy';

/**
 * Keeps what a GET route answers, as the JSON text it is sent as, and lets clients ask whether theirs is still the same.
 * Only the answer itself is kept: a route that sets headers, cookies or a status by itself is not.
 */
export const HttpCache = (policy: HttpCachePolicy): MethodDecorator =>
  applyDecorators(SetMetadata(HTTP_CACHE, policy), UseInterceptors(HttpCacheInterceptor));
