// Drawn for this page on a 16 × 16 grid, one stroke.
const paths = {
  machines: 'M2 3h12v4H2zM2 9h12v4H2zM4.5 5h.01M4.5 11h.01',
  plus: 'M8 3v10M3 8h10',
  events: 'M2 8h3l2-5 2.5 10L12 8h2',
  tasks: 'M2.5 4l1 1 2-2M2.5 8.5l1 1 2-2M2.5 13l1 1 2-2M8 4h6M8 8.5h6M8 13h6',
  play: 'M5 3l8 5-8 5z',
  stop: 'M4 4h8v8H4z',
  power: 'M8 2v6M4.7 4.5a5 5 0 1 0 6.6 0',
  restart: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3',
  pause: 'M5.5 3v10M10.5 3v10',
  trash: 'M2.5 4h11M6 4V2.5h4V4M4 4l.7 9.5h6.6L12 4M6.7 6.5v4.5M9.3 6.5v4.5',
  terminal: 'M2 3h12v10H2zM4.5 6l2 2-2 2M8.5 10h3',
  screen: 'M2 3h12v8H2zM6 14h4M8 11v3',
  camera: 'M2 5h3l1-1.5h4L11 5h3v8H2zM8 7a2 2 0 1 1 0 4 2 2 0 0 1 0-4z',
  disk: 'M3 3h10v10H3zM3 10h10M10.5 11.5h.01',
  revert: 'M3 6h7a3.5 3.5 0 0 1 0 7H6M3 6l3-3M3 6l3 3',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.5 10.5L14 14',
  table: 'M2 3h12v10H2zM2 6.3h12M2 9.6h12',
  cards: 'M2 3h5v4H2zM9 3h5v4H9zM2 9h5v4H2zM9 9h5v4H9z',
  close: 'M4 4l8 8M12 4l-8 8',
  warning: 'M8 2.5l6 11H2zM8 6.5v3.5M8 12h.01',
  check: 'M3 8.5l3 3 7-7',
  out: 'M6 3H3v10h3M7 8h7M11 5l3 3-3 3',
  menu: 'M2 4h12M2 8h12M2 12h12',
  chip: 'M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14',
  network: 'M6 2.5h4v3H6zM2 10.5h4v3H2zM10 10.5h4v3h-4zM8 5.5V8M4 10.5V8h8v2.5',
  expand: 'M9.5 2.5h4v4M6.5 13.5h-4v-4M13.5 2.5l-4.5 4.5M2.5 13.5L7 9',
  clock: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3l2 1.5',
  chevron: 'M6 3.5L10.5 8 6 12.5',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  template: 'M2.5 2.5h11v3h-11zM2.5 8h5v5.5h-5zM10 8h3.5M10 10.7h3.5M10 13.5h3.5',
  key: 'M5.5 7.5a3 3 0 1 1 0 5.9 3 3 0 0 1 0-5.9zM7.7 8.3L13.5 2.5M11 5l2 2',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 15 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
