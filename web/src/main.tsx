// SPDX-License-Identifier: LGPL-3.0-or-later
import { render } from "preact";
import "./style/base.css";
import "./style/shell.css";
import "./style/feed.css";
import "./style/record.css";
import "./style/activity.css";
import "./style/time_travel.css";
import "./style/trends.css";
import "./style/sources.css";
import "./style/settings.css";
import "./style/connect.css";
import "./style/api_docs.css";
import "./style/undo.css";
import { App } from "./app.tsx";
import { applyTheme } from "./state.ts";

applyTheme();
const root = document.getElementById("app");
if (root) render(<App />, root);
