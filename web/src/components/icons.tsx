// SPDX-License-Identifier: LGPL-3.0-or-later
// Icons, as paths of 16 by 16.

const PATHS = {
  changes: "M3 4h7M3 8h10M3 12h6M13 3.5v1M12.5 12h.01",
  record: "M8 4.5V8l2.2 1.6M2.5 8a5.5 5.5 0 1 0 1.7-4M2.5 2.5V5H5",
  activity: "M2 8h2.6l1.9-4.8 3 9.6L11.4 8H14",
  past: "M3 3.5h10v9H3zM3 6.5h10M6 2v2.4M10 2v2.4M6 9.5h4",
  undo: "M5.5 3 2.5 6l3 3M2.5 6h7a4 4 0 0 1 0 8H7",
  trends: "M2.5 13.5h11M4 11V8M7 11V4M10 11V6.5M13 11V3",
  sources:
    "M8 6c3 0 5-.9 5-2s-2-2-5-2-5 .9-5 2 2 2 5 2zM3 4v8c0 1.1 2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2 2 5 2s5-.9 5-2",
  api: "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5M9 3 7 13",
  settings: "M3 4.5h5M11 4.5h2M9.5 3v3M3 8h2M8 8h5M6.5 6.5v3M3 11.5h6M12 11.5h1M10.5 10v3",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3 13.5 13.5",
  down: "M4 6l4 4 4-4",
  right: "M6 4l4 4-4 4",
  left: "M10 4 6 8l4 4",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  link: "M6.5 9.5l3-3M7 4.5l1.2-1.2a3 3 0 0 1 4.3 4.3L11.3 8.8M9 11.5l-1.2 1.2a3 3 0 0 1-4.3-4.3L4.7 7.2",
  code: "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5",
  download: "M8 2.5v8M4.8 7.5 8 10.7l3.2-3.2M3 13.5h10",
  bookmark: "M4 2.5h8v11L8 10.5l-4 3z",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7",
  moon: "M13 9.6A5.5 5.5 0 0 1 6.4 3 5.5 5.5 0 1 0 13 9.6z",
  auto: "M8 2.5v11M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5l3.6 0M8 8h5.4M8 11h3.6",
  exit: "M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6",
  help: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.3 6.3a1.8 1.8 0 1 1 2.5 1.9c-.6.3-.8.6-.8 1.2M8 11.3h.01",
  warn: "M8 2.2 14.3 13H1.7zM8 6.5v3M8 11.2h.01",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.3V11M8 5h.01",
  check: "M3.5 8.5l3 3 6-7",
  user: "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8zM2.8 13.5a5.3 5.3 0 0 1 10.4 0",
  table: "M2.5 3h11v10h-11zM2.5 6.3h11M6.5 6.3V13",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  flag: "M3.5 14V2.5h8.5l-2 3 2 3H3.5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
