/**
 * A wrong clock, preloaded with --import: Date is ahead by LAB_CLOCK_SKEW_MS milliseconds (behind, when negative). Timers and
 * performance.now are left alone: they measure time, they do not tell it. Does nothing without the variable.
 */
const skewMs = Number(process.env.LAB_CLOCK_SKEW_MS ?? 0);

if (skewMs) {
  const Right = Date;
  const now = () => Right.now() + skewMs;
  globalThis.Date = new Proxy(Right, {
    construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
    apply: () => new Right(now()).toString(),
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
  });
  Right.prototype.constructor = globalThis.Date;
}
