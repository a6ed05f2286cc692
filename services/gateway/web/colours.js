// The style sheet's colours for canvases, read anew when the theme changes.

const STOPS = ["--heat-0", "--heat-1", "--heat-2", "--heat-3", "--heat-4", "--heat-5"];
const SHADES = 64;

function resolve(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  // Through a pixel, since browsers may answer in any colour space.
  const pixel = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  pixel.fillStyle = getComputedStyle(probe).color;
  pixel.fillRect(0, 0, 1, 1);
  probe.remove();
  return [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

// From cold to hot: SHADES strings.
export function heatRamp() {
  const stops = STOPS.map(resolve);
  return Array.from({length: SHADES}, (_, i) => {
    const at = (i / (SHADES - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const rgb = stops[low].map((value, channel) => Math.round(value + (at - low) * (stops[low + 1][channel] - value)));
    return `rgb(${rgb.join(" ")})`;
  });
}

// The square root spreads the low end, where most experts are.
export const shade = (ramp, value, peak) => ramp[Math.round(Math.sqrt(Math.min(1, peak > 0 ? value / peak : 0)) * (ramp.length - 1))];
export const css = (name) => `rgb(${resolve(name).join(" ")})`;
