// A cyclic factor that owns two dimensions: one slider leads the code around its circle.
const DEGREES = 180 / Math.PI;
const NEAR = 0.2; // share of the radius within which an angle is no more than chance
const TURN = 120; // degrees that a suggestion turns by

/** Where a code stands on a circle: its angle in degrees, and how far from the middle it is. */
function polar({ dimensions, middle }, some) {
  const [x, y] = dimensions.map((index, n) => some[index] - middle[n]);
  return { angle: DEGREES * Math.atan2(y, x), away: Math.hypot(x, y) };
}

/** Changes that lead a code to an angle, as far from the middle as it was, but never near it. */
function turned(circle, some, angle) {
  const { away } = polar(circle, some), { dimensions, middle, radius } = circle;
  const reach = away < NEAR * radius ? radius : away;
  const way = [Math.cos(angle / DEGREES), Math.sin(angle / DEGREES)];
  return dimensions.map((index, n) => [index, middle[n] + reach * way[n]]);
}

/** The slider of a circle, and a fold with those of its two dimensions. */
function turner(circle, alone, on) {
  const [across, up] = circle.dimensions.map((index) => `z${index}`);
  const name = `${across}, ${up}`;
  const both = {
    index: circle.dimensions[0], name, label: `${name} ← ${circle.factor}`,
    remark: "", factors: [[circle.factor, null]],
  };
  const whole = { ...on, round: true, tell: (angle) => `${fixed(angle, 0)}°` };
  const { node, show } = dial(both, [-180, 180], whole);
  const fold = make("details", "alone");
  fold.append(make("summary", "", `${across} and ${up}, each alone`), ...alone);
  return {
    nodes: [node, fold],
    show: (some, start) => show(polar(circle, some).angle, polar(circle, start).angle),
  };
}
