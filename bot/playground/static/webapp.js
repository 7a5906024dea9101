// A web app in a frame over the page, with the few words that an app and its client exchange.

import { post } from "./api.js";
import { modal, toast } from "./dialogs.js";
import { h, iconButton } from "./dom.js";

/** Opens `url`, which the server has signed. `pane`: {say, who()}; `button`: the text of the answer key that opened it, null for an inline button. */
export function openWebApp(pane, url, title, button = null) {
  const frame = h("iframe", { class: "webapp-frame", src: url, title, sandbox: "allow-scripts allow-same-origin allow-forms allow-popups" });
  const close = iconButton("close", pane.say("close"), () => dialog.close());
  const { dialog, closed } = modal("webapp", [h("header", { class: "webapp-bar" }, h("h2", {}, title), close), frame], title);
  const heard = {
    web_app_close: () => dialog.close(),
    web_app_open_link: ({ url: link }) => /^https?:/.test(link) && window.open(link, "_blank", "noopener"),
    web_app_data_send: async ({ data }) => {
      dialog.close();
      if (button !== null) await post("webapp/data", { ...pane.who(), button, text: data });
    },
  };
  async function onMessage(event) {
    if (event.source !== frame.contentWindow || typeof event.data !== "string") return;
    try {
      const { eventType, eventData } = JSON.parse(event.data);
      await heard[eventType]?.(typeof eventData === "string" ? JSON.parse(eventData) : eventData ?? {});
    } catch (failure) {
      toast(failure.message, "bad");
    }
  }
  addEventListener("message", onMessage);
  closed.then(() => removeEventListener("message", onMessage));
}
