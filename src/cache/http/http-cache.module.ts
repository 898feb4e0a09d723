import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { HttpCacheCheck } from './http-cache-check';
import { HttpReplies } from './http-replies';

/** What @HttpCache works with. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [HttpCacheCheck, HttpReplies],
  exports: [HttpReplies],
})
export class HttpCacheModule {}
