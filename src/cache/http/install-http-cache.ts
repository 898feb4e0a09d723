import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { HttpReplies } from './http-replies';

/**
 * Answers public routes from the memory of this process before Nest's pipeline begins. To be called after everything that
 * sets headers or turns requests away.
 */
export function installHttpCache(app: NestFastifyApplication): void {
  const replies = app.get(HttpReplies);
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', (request, reply, done) => {
      if (!replies.answer(request, reply)) done();
    });
}
