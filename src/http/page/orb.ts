// The picture of the call: rings that move with both voices. Inner rings are the agent, outer rings the caller.

export interface OrbInput {
  readonly callerLevel: number;
  readonly agentLevel: number;
  /** Something is being prepared: a bright arc rotates. */
  readonly busy: boolean;
  readonly dimmed: boolean;
}

interface Ring {
  readonly side: 'caller' | 'agent';
  /** As a share of half the canvas. */
  readonly radius: number;
  readonly lobes: number;
  /** Radians per second; the sign is the direction. */
  readonly speed: number;
  readonly alpha: number;
}

const RINGS: readonly Ring[] = [
  { side: 'agent', radius: 0.52, lobes: 3, speed: 1.1, alpha: 1 },
  { side: 'agent', radius: 0.58, lobes: 4, speed: -0.9, alpha: 0.6 },
  { side: 'agent', radius: 0.64, lobes: 5, speed: 0.7, alpha: 0.32 },
  { side: 'caller', radius: 0.74, lobes: 6, speed: -0.8, alpha: 0.9 },
  { side: 'caller', radius: 0.8, lobes: 7, speed: 0.6, alpha: 0.4 },
];

const POINTS = 120;
/** How far the loudest voice bends a ring, as a share of half the canvas. */
const SWING = 0.11;

/** @param seconds since any beginning; it only has to grow */
export function drawOrb(canvas: HTMLCanvasElement, input: OrbInput, seconds: number): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const size = fitToScreen(canvas);
  const half = size / 2;
  // Both colours come from the style sheet, resolved for the current appearance.
  const { color, borderTopColor } = getComputedStyle(canvas);
  const colors = { agent: color, caller: borderTopColor };
  context.clearRect(0, 0, size, size);
  context.save();
  context.translate(half, half);
  context.globalAlpha = (input.dimmed ? 0.08 : 0.1) + input.agentLevel * 0.14;
  context.fillStyle = colors.agent;
  context.beginPath();
  context.arc(0, 0, half * (0.47 + input.agentLevel * 0.06), 0, Math.PI * 2);
  context.fill();
  context.lineWidth = size / 150;
  context.lineJoin = 'round';
  for (const ring of RINGS) {
    const level = ring.side === 'agent' ? input.agentLevel : input.callerLevel;
    context.globalAlpha = ring.alpha * (input.dimmed ? 0.5 : 0.55 + level * 0.45);
    context.strokeStyle = colors[ring.side];
    traceRing(context, ring, half, level, seconds);
    context.stroke();
  }
  if (input.busy) drawArc(context, half, colors.agent, seconds);
  context.restore();
}

function traceRing(context: CanvasRenderingContext2D, ring: Ring, half: number, level: number, seconds: number): void {
  const swing = half * SWING * (0.06 + level);
  const phase = seconds * ring.speed * 2;
  context.beginPath();
  for (let point = 0; point < POINTS; point++) {
    const angle = (point / POINTS) * Math.PI * 2;
    const wave = Math.sin(angle * ring.lobes + phase) * 0.65 + Math.sin(angle * (ring.lobes - 1) - phase * 1.7) * 0.35;
    const radius = half * ring.radius + swing * wave;
    context.lineTo(Math.cos(angle) * radius, Math.sin(angle) * radius);
  }
  context.closePath();
}

function drawArc(context: CanvasRenderingContext2D, half: number, color: string, seconds: number): void {
  const start = seconds * 2.4;
  context.globalAlpha = 1;
  context.strokeStyle = color;
  context.lineWidth = half / 30;
  context.lineCap = 'round';
  context.beginPath();
  context.arc(0, 0, half * 0.69, start, start + Math.PI / 3);
  context.stroke();
}

function fitToScreen(canvas: HTMLCanvasElement): number {
  const size = Math.round(canvas.clientWidth * Math.min(devicePixelRatio, 2));
  if (canvas.width !== size) {
    canvas.width = size;
    canvas.height = size;
  }
  return size;
}
