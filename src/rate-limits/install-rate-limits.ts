import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CONFIG, type Config } from '../config/config';
import { Door } from './door';
import { rateLimitSettings } from './rate-limit-settings';

/** Puts the door before every route: ahead of whatever else answers before Nest's pipeline. */
export function installRateLimits(app: NestFastifyApplication): void {
  const door = app.get(Door);
  if (!rateLimitSettings(app.get<Config>(CONFIG)).enabled) return;
  const fastify = app.getHttpAdapter().getInstance();
  fastify.decorateRequest('rateLimitVisit');
  fastify.addHook('onRequest', (request, reply, done) => door.enter(request, reply, done));
  fastify.addHook('onResponse', (request, _reply, done) => {
    door.leave(request);
    done();
  });
}
