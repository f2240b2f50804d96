/** The reason why a file cannot be read, or not be read further, in words for people. */
export class FileFault extends Error {
  override name = 'FileFault';
}
