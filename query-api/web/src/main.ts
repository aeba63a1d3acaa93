// Starts the pages: signs in if there is no session, then shows the search.

import "./style.css";
import * as api from "./api";
import { element, show } from "./dom";
import { askForLogin } from "./login";
import { SearchPage } from "./search";

async function start(root: Element): Promise<void> {
  if (!(await api.refresh())) await askForLogin(root);
  const [user, about] = await Promise.all([api.me(), api.about()]);
  const page = new SearchPage();
  const leave = async (): Promise<void> => {
    await api.logout();
    location.reload();
  };
  show(
    root,
    element(
      "header",
      { class: "top" },
      element("strong", {}, "Millrace"),
      element("span", { class: "user" }, `${user.name} (${user.role})`),
      element("button", { type: "button", click: () => void leave() }, "Sign out"),
    ),
    page.node,
    element("footer", {}, `Millrace ${about.version} · ${about.attribution}`),
  );
  await page.run();
}

const root = document.getElementById("application");
if (root) {
  start(root).catch((reason: unknown) => {
    const text = reason instanceof Error ? reason.message : "The server does not answer.";
    show(root, element("p", { class: "error", role: "alert" }, text));
  });
}
