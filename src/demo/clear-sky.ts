/** A place on earth, in degrees; north and east are positive. */
export interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

const DEGREES = Math.PI / 180;
const DAY_MS = 86_400_000;
const OVERCAST_OKTAS = 8;

/** Irradiance at which a module's nominal power is rated (IEC 60904-3), W/m². */
export const RATED_IRRADIANCE = 1000;

/**
 * Cosine of the angle between the sun and the zenith; below zero at night. Declination after Cooper (1969),
 * equation of time in the form of Duffie and Beckman, "Solar Engineering of Thermal Processes": good to
 * about half a degree, which is plenty for a model of a neighbourhood.
 */
export function cosineOfZenith(at: Date, { latitude, longitude }: Place): number {
  const day = dayOfYear(at);
  const declination = 23.45 * DEGREES * Math.sin((2 * Math.PI * (284 + day)) / 365);
  const season = (2 * Math.PI * (day - 81)) / 364;
  const equationOfTimeMinutes =
    9.87 * Math.sin(2 * season) - 7.53 * Math.cos(season) - 1.5 * Math.sin(season);
  const utcHours = (at.getTime() % DAY_MS) / 3_600_000;
  const solarHours = utcHours + longitude / 15 + equationOfTimeMinutes / 60;
  const hourAngle = (solarHours - 12) * 15 * DEGREES;
  return (
    Math.sin(latitude * DEGREES) * Math.sin(declination) +
    Math.cos(latitude * DEGREES) * Math.cos(declination) * Math.cos(hourAngle)
  );
}

/**
 * Global horizontal irradiance under a clear sky in W/m²: B. Haurwitz, "Insolation in Relation to Cloudiness
 * and Cloud Density", Journal of Meteorology 2 (1945), the best of the models that need the zenith angle only.
 */
export function clearSkyIrradiance(cosineZenith: number): number {
  if (cosineZenith <= 0) return 0;
  return 1098 * cosineZenith * Math.exp(-0.059 / cosineZenith);
}

/**
 * The share of clear-sky irradiance that clouds let through: F. Kasten and G. Czeplak, "Solar and terrestrial
 * radiation dependent on the amount and type of cloud", Solar Energy 24 (1980).
 * @param oktas cloud cover in eighths of the sky, 0 to 8
 */
export function transmittance(oktas: number): number {
  return 1 - 0.75 * (oktas / OVERCAST_OKTAS) ** 3.4;
}

function dayOfYear(at: Date): number {
  return Math.floor((at.getTime() - Date.UTC(at.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
}
