/** Units that workers work on. Each can be withdrawn on its own. */
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

  /** Stops the unit's worker and ignores how it ends. */
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
