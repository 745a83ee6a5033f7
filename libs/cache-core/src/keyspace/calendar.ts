/** The texts that time takes inside keys. All are UTC. */

/** `yyyy-mm-dd` */
export function dayText(at: Date): string {
  return at.toISOString().slice(0, 10);
}

/** `yyyy-mm-dd-HH` */
export function dayHourText(at: Date): string {
  return at.toISOString().slice(0, 13).replace('T', '-');
}

/** `yyyy-mm-dd-HH-MM` */
export function dayMinuteText(at: Date): string {
  return at.toISOString().slice(0, 16).replace(/[T:]/g, '-');
}

/** `YYYYMMDDHH` */
export function hourText(at: Date): string {
  return at.toISOString().slice(0, 13).replaceAll(/[-T]/g, '');
}
