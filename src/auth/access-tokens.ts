import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { z } from 'zod';

export const ACCESS_TOKEN_SECONDS = 900;
const ISSUER = 'gridtokenx';

const claims = z.object({ sub: z.uuid(), sid: z.uuid() });

/** What an access token says: only who and by which session; rights are looked up when it is used. */
export interface AccessClaims {
  readonly userId: string;
  readonly sessionId: string;
}

/** Short-lived access tokens: JWT, HS256 and nothing else. */
@Injectable()
export class AccessTokens {
  constructor(private readonly jwt: JwtService) {}

  issue({ userId, sessionId }: AccessClaims): Promise<string> {
    return this.jwt.signAsync(
      { sid: sessionId },
      { subject: userId, issuer: ISSUER, expiresIn: ACCESS_TOKEN_SECONDS, algorithm: 'HS256' },
    );
  }

  /** @returns undefined for a token that is forged, tampered with, expired, unsigned or not ours */
  async read(token: string): Promise<AccessClaims | undefined> {
    try {
      const payload: unknown = await this.jwt.verifyAsync(token, { algorithms: ['HS256'], issuer: ISSUER });
      const { sub, sid } = claims.parse(payload);
      return { userId: sub, sessionId: sid };
    } catch {
      return undefined;
    }
  }
}
