// Starts the pages: signs in if there is no session, then shows the search.

import "./style.css";
import * as api from "./api";
import { element, show } from "./dom";
import { askForLogin } from "./login";
import { SearchPage } from "./search";

const DATA_SOURCE = "https://db-ip.com";

function footer(about: api.About): HTMLElement {
  const source = element("a", { href: DATA_SOURCE, rel: "noreferrer" }, about.attribution);
  return element("footer", {}, element("span", {}, `Millrace ${about.version}`), source);
}

async function start(root: Element): Promise<void> {
  if (!(await api.refresh())) await askForLogin(root);
  const [user, about] = await Promise.all([api.me(), api.about()]);
  const page = new SearchPage(() => location.reload());
  const leave = (): Promise<void> =>
    api.logout().then(
      () => location.reload(),
      (reason: unknown) => fail(root, reason),
    );
  show(
    root,
    element(
      "header",
      { class: "top" },
      element("img", { src: "/icon.svg", alt: "", width: "24", height: "24" }),
      element("strong", {}, "Millrace"),
      element("span", { class: "user" }, `${user.name} (${user.role})`),
      element("button", { type: "button", click: () => void leave() }, "Sign out"),
    ),
    page.node,
    footer(about),
  );
  await page.run();
}

function fail(root: Element, reason: unknown): void {
  const again = element("button", { type: "button", click: () => location.reload() }, "Try again");
  show(root, element("main", { class: "failed" }, element("p", { class: "error", role: "alert" }, api.reasonOf(reason)), again));
}

const root = document.getElementById("application");
if (root) start(root).catch((reason: unknown) => fail(root, reason));
