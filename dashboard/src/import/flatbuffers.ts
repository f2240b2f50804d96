/** Reads tables of FlatBuffers, in which Arrow describes its schemas and batches. */

export class FlatTable {
  readonly #vtable: number;

  constructor(
    readonly view: DataView,
    readonly position: number,
  ) {
    this.#vtable = position - view.getInt32(position, true);
  }

  /** Returns the root table of a buffer. */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new FlatTable(view, view.getInt32(0, true));
  }

  /** Returns the position of a field; `null` if it has its default value. */
  #at(field: number): number | null {
    const slot = 4 + 2 * field;
    if (slot >= this.view.getUint16(this.#vtable, true)) return null;
    const offset = this.view.getUint16(this.#vtable + slot, true);
    return offset === 0 ? null : this.position + offset;
  }

  /** Returns the position that a field refers to. */
  #target(field: number): number | null {
    const at = this.#at(field);
    return at === null ? null : at + this.view.getUint32(at, true);
  }

  byte(field: number, otherwise: number): number {
    const at = this.#at(field);
    return at === null ? otherwise : this.view.getUint8(at);
  }

  short(field: number, otherwise: number): number {
    const at = this.#at(field);
    return at === null ? otherwise : this.view.getInt16(at, true);
  }

  int(field: number, otherwise: number): number {
    const at = this.#at(field);
    return at === null ? otherwise : this.view.getInt32(at, true);
  }

  long(field: number): bigint {
    const at = this.#at(field);
    return at === null ? 0n : this.view.getBigInt64(at, true);
  }

  table(field: number): FlatTable | null {
    const target = this.#target(field);
    return target === null ? null : new FlatTable(this.view, target);
  }

  tables(field: number): FlatTable[] {
    return this.#elements(field, 4, (at) => new FlatTable(this.view, at + this.view.getUint32(at, true)));
  }

  /** Returns the numbers of a vector of structs of one or more 64-bit integers. */
  longs(field: number, perElement: number): number[][] {
    return this.#elements(field, 8 * perElement, (at) =>
      Array.from({ length: perElement }, (_, index) => Number(this.view.getBigInt64(at + 8 * index, true))),
    );
  }

  text(field: number): string {
    const target = this.#target(field);
    if (target === null) return '';
    const bytes = new Uint8Array(
      this.view.buffer,
      this.view.byteOffset + target + 4,
      this.view.getUint32(target, true),
    );
    return new TextDecoder().decode(bytes);
  }

  #elements<T>(field: number, size: number, read: (at: number) => T): T[] {
    const target = this.#target(field);
    if (target === null) return [];
    const count = this.view.getUint32(target, true);
    // A damaged count would fill the memory.
    if (target + 4 + count * size > this.view.byteLength) throw new RangeError('a vector is cut off');
    return Array.from({ length: count }, (_, index) => read(target + 4 + index * size));
  }
}
