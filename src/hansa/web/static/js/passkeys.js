/* Passkeys: ask the node for a challenge, let the device sign it, and send the form with the answer. */
import { t } from "./language.js";

const supported =
  Boolean(window.PublicKeyCredential?.parseCreationOptionsFromJSON) && Boolean(navigator.credentials);

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("[type=submit]");
  const said = form.querySelector("[data-said]");
  if (!supported) {
    button.disabled = true;
    said.textContent = t("This browser cannot use passkeys.");
    continue;
  }
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    button.disabled = true;
    said.textContent = "";
    try {
      const { options, sealed } = await ask(form);
      const made = await sign(form.dataset.passkey, options);
      form.elements.sealed.value = sealed;
      form.elements.answer.value = JSON.stringify(made.toJSON());
      form.submit();
    } catch (fault) {
      said.textContent =
        fault.name === "InvalidStateError"
          ? t("This device has a passkey for the account already.")
          : t("No passkey was used. Try again, or choose another way.");
      button.disabled = false;
    }
  });
}

async function ask(form) {
  const body = new URLSearchParams({ form: form.elements.form?.value ?? "" });
  const answer = await fetch(form.dataset.options, { method: "POST", body });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function sign(what, options) {
  if (what === "add") {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return navigator.credentials.create({ publicKey });
  }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return navigator.credentials.get({ publicKey });
}
