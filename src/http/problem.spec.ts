import { BadRequestException } from '@nestjs/common';
import { InvalidInput, NotFound } from '../common/domain-error';
import { CommitOutcomeUnknown } from '../database/failures';
import { problemOf } from './problem';

describe('problem details', () => {
  it('names every wrong field of an input', () => {
    const fields = [
      { field: 'email', detail: 'is not an e-mail address' },
      { field: 'password', detail: 'is too short' },
    ];
    expect(problemOf(new InvalidInput(fields)).problem).toMatchObject({
      status: 400,
      code: 'INVALID_INPUT',
      errors: fields,
    });
  });

  it("answers for a missing thing and for somebody else's alike", () => {
    expect(problemOf(new NotFound('energy order')).problem).toMatchObject({
      status: 404,
      code: 'ENERGY_ORDER_NOT_FOUND',
      detail: 'There is no such energy order, or it is not yours',
    });
  });

  it('leaks nothing of an error that nobody expected', () => {
    const { problem, unexpected } = problemOf(new Error('duplicate key in table users at /srv/app.js'));
    expect(unexpected).toBe(true);
    expect(problem).toMatchObject({ status: 500, code: 'INTERNAL_ERROR' });
    expect(JSON.stringify(problem)).not.toContain('users');
  });

  it('says that the database is away, and to come back', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const shuttingDown = Object.assign(new Error('terminating connection'), { code: '57P01' });
    for (const error of [refused, shuttingDown, new Error('Connection terminated unexpectedly')]) {
      expect(problemOf(error)).toMatchObject({
        problem: { status: 503, code: 'DATABASE_UNAVAILABLE' },
        retryAfterSeconds: 1,
      });
    }
  });

  it('tells a database that is busy or too slow from one that is away', () => {
    const exhausted = new Error('timeout exceeded when trying to connect');
    const stopped = Object.assign(new Error('canceling statement due to statement timeout'), {
      code: '57014',
    });
    const ended = new Error('Client has encountered a connection error and is not queryable');
    expect(problemOf(exhausted)).toMatchObject({
      problem: { status: 503, code: 'DATABASE_BUSY' },
      retryAfterSeconds: 5,
    });
    expect(problemOf(stopped)).toMatchObject({
      problem: { status: 503, code: 'DATABASE_TIMEOUT' },
      retryAfterSeconds: 10,
    });
    expect(problemOf(ended).problem.code).toBe('DATABASE_UNAVAILABLE');
  });

  it('leaves open what nobody knows: whether a commit happened', () => {
    expect(problemOf(new CommitOutcomeUnknown(new Error('gone')))).toMatchObject({
      problem: { status: 503, code: 'OUTCOME_UNKNOWN' },
      retryAfterSeconds: 1,
      unexpected: false,
    });
  });

  it('passes on what the transport refuses, in our form', () => {
    expect(problemOf(new BadRequestException('x')).problem).toMatchObject({
      status: 400,
      code: 'MALFORMED_REQUEST',
    });
    expect(problemOf({ statusCode: 413 }).problem).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
    expect(problemOf({ statusCode: 415 }).problem).toMatchObject({
      status: 415,
      code: 'UNSUPPORTED_MEDIA_TYPE',
    });
  });
});
