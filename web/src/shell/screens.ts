// SPDX-License-Identifier: LGPL-3.0-or-later
// The screens, with their paths and shortcuts.
import type { ComponentType } from "preact";
import type { IconName } from "../components/icons.tsx";
import { Activity } from "../screens/activity.tsx";
import { ApiDocs } from "../screens/api_docs.tsx";
import { Changes } from "../screens/changes.tsx";
import { Record } from "../screens/record.tsx";
import { Settings } from "../screens/settings.tsx";
import { Sources } from "../screens/sources.tsx";
import { TimeTravel } from "../screens/time_travel.tsx";
import { Trends } from "../screens/trends.tsx";
import { Undo } from "../screens/undo.tsx";

interface Screen {
  path: string;
  name: string;
  icon: IconName;
  key: string;
  screen: ComponentType;
}

export const SCREENS: Screen[] = [
  { path: "/changes", name: "Changes", icon: "changes", key: "c", screen: Changes },
  { path: "/activity", name: "Activity", icon: "activity", key: "a", screen: Activity },
  { path: "/record", name: "Record", icon: "record", key: "r", screen: Record },
  { path: "/time-travel", name: "Time travel", icon: "past", key: "t", screen: TimeTravel },
  { path: "/undo", name: "Undo", icon: "undo", key: "u", screen: Undo },
  { path: "/trends", name: "Trends", icon: "trends", key: "d", screen: Trends },
  { path: "/sources", name: "Sources", icon: "sources", key: "s", screen: Sources },
  { path: "/settings", name: "Settings", icon: "settings", key: "e", screen: Settings },
  { path: "/api", name: "API", icon: "api", key: "p", screen: ApiDocs },
];
