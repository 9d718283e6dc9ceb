// How long a kettle takes. Water: 4186 joules for a kilogram and a kelvin.
export const WATER = 4186;

export function secondsToBoil({ litres = 1, from = 20, watts = 2000 } = {}) {
  if (litres <= 0 || watts <= 0) throw new RangeError("A kettle needs water and power.");
  return (litres * WATER * (100 - from)) / watts;
}

export function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}
