import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SessionVerifier } from '../auth/session-verifier';
import { AdminBootstrap } from './admin-bootstrap';
import { AuthController } from './auth.controller';
import { LoginAttempts } from './login-attempts.service';
import { LoginFailure } from './login-failure.entity';
import { LoginService } from './login.service';
import { MeController } from './me.controller';
import { Organization } from './organization.entity';
import { OrganizationsController } from './organizations.controller';
import { OrganizationsService } from './organizations.service';
import { RegistrationService } from './registration.service';
import { Session, SpentRefreshToken } from './session.entity';
import { SessionsService } from './sessions.service';
import { StoredSessionVerifier } from './stored-session-verifier';
import { UserAdministrationService } from './user-administration.service';
import { UserDirectoryService } from './user-directory.service';
import { UserToken } from './user-token.entity';
import { User } from './user.entity';
import { UsersCache } from './users.cache';
import { UsersController } from './users.controller';
import { UsersService } from './users.service';
import { WalletChallenge } from './wallet-challenge.entity';

/** Global because the guard before every route asks its SessionVerifier. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forFeature([
      Organization,
      User,
      Session,
      SpentRefreshToken,
      UserToken,
      WalletChallenge,
      LoginFailure,
    ]),
  ],
  controllers: [AuthController, MeController, UsersController, OrganizationsController],
  providers: [
    AdminBootstrap,
    LoginAttempts,
    LoginService,
    OrganizationsService,
    RegistrationService,
    SessionsService,
    UserAdministrationService,
    UserDirectoryService,
    UsersCache,
    UsersService,
    { provide: SessionVerifier, useClass: StoredSessionVerifier },
  ],
  exports: [SessionVerifier, UsersService],
})
export class UsersModule {}
