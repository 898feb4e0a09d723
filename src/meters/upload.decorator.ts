import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Upload } from './reading-upload';

/** The body as it came, with the type that it was sent as: a stream, unread, for CSV and NDJSON. */
export const UploadedReadings = createParamDecorator((_: unknown, context: ExecutionContext): Upload => {
  const { headers, body } = context.switchToHttp().getRequest<FastifyRequest>();
  return { contentType: headers['content-type'], body };
});
