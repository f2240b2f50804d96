/** Limits of an import. Each keeps the memory of the page small, whatever the file contains. */

/** Maximum number of rows of a part, which is one request. */
export const PART_ROWS_MAX = 10_000;
/** Maximum size of a part, in bytes. The server accepts ten times as much. */
export const PART_BYTES_MAX = 1024 * 1024;
/** Maximum number of devices of a part: the server registers at most this number in one request. */
export const PART_DEVICES_MAX = 1_000;
/** Maximum number of rejected rows of a part. */
export const PART_REJECTED_MAX = 1_000;
/** Maximum number of requests in flight. */
export const REQUESTS_MAX = 2;

/** Number of bytes that are read from the file at once. */
export const PIECE_BYTES = 1024 * 1024;
/**
 * The same for compressed files, and for zstd, whose data may become a thousand times, or 32,000 times, as
 * large.
 */
export const GZIP_PIECE_BYTES = 64 * 1024;
export const ZSTD_PIECE_BYTES = 16 * 1024;
/** Number of decompressed bytes by which the format, the encoding and the delimiter are recognized. */
export const SAMPLE_BYTES = 64 * 1024;
/** Maximum number of rows that the page shows and guesses from before the import. */
export const SAMPLE_ROWS = 100;
/** Maximum number of rows of the preview, and of characters of each of its values. */
export const PREVIEW_ROWS = 6;
export const PREVIEW_CHARS = 60;
/** Maximum number of readings of the preview, and of faulty rows. */
export const READINGS_SHOWN = 4;
/** Maximum number of columns of a file. */
export const COLUMNS_MAX = 1_000;
/** Maximum length of a row of text, in characters. */
export const ROW_CHARS_MAX = 10 * 1024 * 1024;
/** Maximum number of rows of a batch of Arrow or Parquet between the reader and the sender. */
export const BATCH_ROWS_MAX = 5_000;

/** Maximum size of a message of an Arrow file, which holds one record batch, in bytes. */
export const ARROW_MESSAGE_BYTES_MAX = 256 * 1024 * 1024;
/** Maximum number of rows of a record batch of an Arrow file. */
export const ARROW_BATCH_ROWS_MAX = 16 * 1024 * 1024;
/** Maximum number of values of a dictionary of an Arrow file. */
export const ARROW_DICTIONARY_VALUES_MAX = 1024 * 1024;
/** Maximum size of the table of contents of a Parquet file, in bytes. */
export const PARQUET_FOOTER_BYTES_MAX = 64 * 1024 * 1024;
/** Maximum size of the head of a page of a Parquet file, in bytes. */
export const PARQUET_HEAD_BYTES_MAX = 16 * 1024 * 1024;
/** Maximum size of a page of a Parquet file, in bytes, before and after decompression. */
export const PARQUET_PAGE_BYTES_MAX = 256 * 1024 * 1024;
/** Maximum number of values of such a page. */
export const PARQUET_PAGE_VALUES_MAX = 16 * 1024 * 1024;
/** Maximum window of zstd, in bytes: `zstd --long=27`. */
export const ZSTD_WINDOW_BYTES_MAX = 128 * 1024 * 1024;

/** Maximum number of rejected rows that are kept for the download. Further ones are only counted. */
export const REJECTED_KEPT_MAX = 10_000;
/** Maximum number of rejected rows on the page. */
export const REJECTED_SHOWN_MAX = 100;
/** Maximum number of devices of the result. Further ones are only counted. */
export const DEVICES_KEPT_MAX = 1_000;
/** Maximum number of links to devices. */
export const DEVICES_SHOWN_MAX = 20;
/** Maximum number of device ids whose check is remembered. */
export const KNOWN_DEVICES_MAX = 100_000;

/** Shortest and longest backoff before a retry, in milliseconds. */
export const BACKOFF_MS_MIN = 250;
export const BACKOFF_MS_MAX = 10_000;
