import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SessionVerifier } from '../auth/session-verifier';
import { AdminBootstrap } from './admin-bootstrap';
import { AuthController } from './auth.controller';
import { EmailVerificationService } from './email-verification.service';
import { ForgettingService } from './forgetting.service';
import { LoginAttempts } from './login-attempts.service';
import { LoginFailure } from './login-failure.entity';
import { LoginService } from './login.service';
import { MeController } from './me.controller';
import { Organization } from './organization.entity';
import { OrganizationsController } from './organizations.controller';
import { OrganizationsService } from './organizations.service';
import { PasswordService } from './password.service';
import { PasswordsController } from './passwords.controller';
import { ProfileService } from './profile.service';
import { ReauthenticationService } from './reauthentication.service';
import { RegistrationService } from './registration.service';
import { Session, SpentRefreshToken } from './session.entity';
import { SessionsController } from './sessions.controller';
import { SessionsService } from './sessions.service';
import { StoredSessionVerifier } from './stored-session-verifier';
import { UserAdministrationService } from './user-administration.service';
import { UserDirectoryService } from './user-directory.service';
import { UserToken } from './user-token.entity';
import { UserTokensService } from './user-tokens.service';
import { User } from './user.entity';
import { UsersCache } from './users.cache';
import { UsersController } from './users.controller';
import { UsersService } from './users.service';
import { VerificationController } from './verification.controller';
import { WalletAuthController } from './wallet-auth.controller';
import { WalletChallenge } from './wallet-challenge.entity';
import { WalletChallengesService } from './wallet-challenges.service';
import { WalletsService } from './wallets.service';

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
  controllers: [
    AuthController,
    VerificationController,
    PasswordsController,
    SessionsController,
    WalletAuthController,
    MeController,
    UsersController,
    OrganizationsController,
  ],
  providers: [
    AdminBootstrap,
    EmailVerificationService,
    ForgettingService,
    LoginAttempts,
    LoginService,
    OrganizationsService,
    PasswordService,
    ProfileService,
    ReauthenticationService,
    RegistrationService,
    SessionsService,
    UserAdministrationService,
    UserDirectoryService,
    UserTokensService,
    UsersCache,
    UsersService,
    WalletChallengesService,
    WalletsService,
    { provide: SessionVerifier, useClass: StoredSessionVerifier },
  ],
  exports: [SessionVerifier, UsersService],
})
export class UsersModule {}
