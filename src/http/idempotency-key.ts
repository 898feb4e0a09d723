import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { InvalidInput } from '../common/domain-error';

const ACCEPTABLE = /^[\x21-\x7e]{1,200}$/;

/** What makes a repeated request recognisable: the caller's key and everything it stands for. */
export interface IdempotentRequest {
  /** Undefined when the caller gave none: then every request counts. */
  readonly key: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** The `Idempotency-Key` header with the request that it guards. */
export const Idempotency = createParamDecorator(
  (_: unknown, context: ExecutionContext): IdempotentRequest => {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const key = request.headers['idempotency-key'];
    if (key !== undefined && (typeof key !== 'string' || !ACCEPTABLE.test(key))) {
      throw new InvalidInput([
        { field: 'Idempotency-Key', detail: 'must be 1 to 200 printable ASCII characters without spaces' },
      ]);
    }
    return {
      key,
      method: request.method,
      path: request.url.split('?')[0] as string,
      body: request.body ?? null,
    };
  },
  [
    (controller, method) => {
      if (method === undefined) return;
      const described = ApiHeader({
        name: 'Idempotency-Key',
        description: 'Lets the same request be sent again safely: for 24 hours it gets the first answer',
        required: false,
        schema: { type: 'string', pattern: ACCEPTABLE.source },
      }) as MethodDecorator;
      described(controller, method, Object.getOwnPropertyDescriptor(controller, method) ?? {});
    },
  ],
);
