import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** OpenAPI at /docs-json, Swagger UI at /docs; request schemas come from the routes' own zod schemas. */
export function describeApi(app: NestFastifyApplication): void {
  const description = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('GridTokenX')
    .setDescription(
      'Peer-to-peer energy market. Energy (kWh), money and prices are decimal strings; times are ISO 8601 UTC. ' +
        'Lists take `limit` and `cursor`. Errors are application/problem+json with a stable `code`. ' +
        'Any route may answer 429 `RATE_LIMITED` with `Retry-After` in seconds; where requests are limited, ' +
        '`X-RateLimit-Limit`, `-Remaining` and `-Reset` tell where the caller stands.',
    )
    .setVersion('0.1.0')
    .addBearerAuth()
    .addSecurityRequirements('bearer')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, description), {
    jsonDocumentUrl: 'docs-json',
    customSiteTitle: 'GridTokenX API',
    swaggerOptions: { persistAuthorization: true },
  });
}
