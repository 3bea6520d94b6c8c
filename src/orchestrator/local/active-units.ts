/** Units that were handed to workers and have not ended. Each can be withdrawn from its worker alone. */
export class ActiveUnits {
  readonly #units = new Map<string, AbortController>();

  has(unit: string): boolean {
    return this.#units.has(unit);
  }

  begin(unit: string): void {
    this.#units.set(unit, new AbortController());
  }

  end(unit: string): void {
    this.#units.delete(unit);
  }

  /** Its worker stops; how that ends decides nothing about the unit any more. */
  withdraw(unit: string): void {
    this.#units.get(unit)?.abort();
  }

  isWithdrawn(unit: string): boolean {
    return this.#units.get(unit)?.signal.aborted === true;
  }

  /** Aborted with `shutdown`, and when the unit is withdrawn. */
  signalOf(unit: string, shutdown: AbortSignal): AbortSignal {
    const own = this.#units.get(unit)?.signal;
    return own === undefined ? shutdown : AbortSignal.any([shutdown, own]);
  }
}
