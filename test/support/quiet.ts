import { Logger } from '@nestjs/common';

// Tests provoke errors on purpose: what the application logs of them is shown only when TEST_LOG is set.
if (process.env['TEST_LOG'] === undefined) Logger.overrideLogger(false);
