import { TooLate } from '../common/deadline';
import { databaseFailure, isRefusal, isUnanswered, reasonOf } from './failures';

const coded = (code: string) => Object.assign(new Error(code), { code });

describe('failures of the database', () => {
  it.each([
    ['away', coded('57P01')],
    ['away', coded('57P03')],
    ['away', coded('08006')],
    ['away', coded('25P03')],
    ['away', coded('ECONNREFUSED')],
    ['away', coded('ECONNRESET')],
    ['away', coded('EPIPE')],
    ['away', coded('ENOTFOUND')],
    ['away', coded('EAI_AGAIN')],
    ['away', new Error('Connection terminated unexpectedly')],
    ['away', new Error('Connection terminated due to connection timeout')],
    ['away', new Error('Client has encountered a connection error and is not queryable')],
    ['away', new Error('Query read timeout')],
    ['away', new Error('Query runner already released. Cannot run queries anymore.')],
    ['away', new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')])],
    ['busy', coded('53300')],
    ['busy', coded('55P03')],
    ['busy', coded('40P01')],
    ['busy', new Error('timeout exceeded when trying to connect')],
    ['slow', coded('57014')],
    [undefined, coded('23505')],
    [undefined, coded('42P01')],
    [undefined, coded('ENOENT')],
    [undefined, new TypeError('x is not a function')],
    [undefined, undefined],
  ])('%s: %s', (failure, error) => {
    expect(databaseFailure(error)).toBe(failure);
  });

  it.each([
    [true, new TooLate('PostgreSQL did not answer within 2000 ms')],
    [true, new Error('Query read timeout')],
    [true, coded('57014')],
    [true, coded('53300')],
    [false, coded('ECONNREFUSED')],
    [false, coded('42P01')],
    [false, undefined],
  ])('leave open what was asked for, %s: %s', (unanswered, error) => {
    expect(isUnanswered(error)).toBe(unanswered);
  });

  it('are refusals only where PostgreSQL answered and went on', () => {
    expect(isRefusal(Object.assign(coded('40001'), { severity: 'ERROR' }))).toBe(true);
    expect(isRefusal(Object.assign(coded('57P01'), { severity: 'FATAL' }))).toBe(false);
    expect(isRefusal(coded('ECONNRESET'))).toBe(false);
    expect(isRefusal(undefined)).toBe(false);
  });

  it('have a reason also where a host has several addresses', () => {
    expect(reasonOf(new AggregateError([new Error('connect ECONNREFUSED ::1:5432')]))).toBe(
      'connect ECONNREFUSED ::1:5432',
    );
    expect(reasonOf(new Error(''))).toBe('Error');
    expect(reasonOf('text')).toBe('text');
  });
});
