/**
 * Something that goes wrong now and then without anything being wrong with the program: the message is a
 * sentence that says what, where, and what to do.
 */
export class Explained extends Error {}
