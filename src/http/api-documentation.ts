import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** OpenAPI at /docs-json, Swagger UI at /docs; request schemas come from the routes' own zod schemas. */
export function describeApi(app: NestFastifyApplication): void {
  const description = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('GridTokenX')
    .setDescription(
      'Peer-to-peer energy market. Energy (kWh), money and prices are decimal strings; times are ISO 8601 UTC. ' +
        'Lists take `limit` and `cursor`. Errors are application/problem+json with a stable `code`.',
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
