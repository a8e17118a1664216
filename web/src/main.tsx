// SPDX-License-Identifier: LGPL-3.0-or-later
import { render } from "preact";
import "./style/base.css";
import "./style/shell.css";
import "./style/feed.css";
import "./style/screens.css";
import { App } from "./app.tsx";
import { applyTheme } from "./state.ts";

applyTheme();
render(<App />, document.getElementById("app")!);
