/** A statement whose text is static, and the values of one time that it is asked. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}
