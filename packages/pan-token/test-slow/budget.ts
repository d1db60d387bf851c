/** How long each test of the slow suite goes on: `PANTOKEN_SLOW_SECONDS`, by default 20. */
export const slowSeconds = Number(process.env.PANTOKEN_SLOW_SECONDS ?? 20);
