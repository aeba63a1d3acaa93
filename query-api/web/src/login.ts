// The sign-in form.

import * as api from "./api";
import { element, show } from "./dom";

/** Shows the form and resolves when somebody has signed in. */
export function askForLogin(parent: Element): Promise<void> {
  return new Promise((resolve) => {
    const name = element("input", {
      id: "name",
      autocomplete: "username",
      autocapitalize: "off",
      spellcheck: "false",
      required: true,
      value: "admin",
    });
    const password = element("input", {
      id: "password",
      type: "password",
      autocomplete: "current-password",
      required: true,
    });
    const error = element("p", { class: "error", role: "alert" });
    const button = element("button", { type: "submit", class: "primary" }, "Sign in");
    const submit = async (event: Event): Promise<void> => {
      event.preventDefault();
      button.disabled = true;
      error.textContent = "";
      try {
        await api.login(name.value, password.value);
        resolve();
      } catch (reason) {
        error.textContent = api.reasonOf(reason);
        password.select();
      } finally {
        button.disabled = false;
      }
    };
    const form = element(
      "form",
      { class: "login", submit },
      element("h1", {}, "Millrace"),
      element("label", { for: "name" }, "Name"),
      name,
      element("label", { for: "password" }, "Password"),
      password,
      error,
      button,
      element("p", { class: "hint" }, "The first start has printed a password for admin."),
    );
    show(parent, element("main", { class: "sign-in" }, form));
    password.focus();
  });
}
