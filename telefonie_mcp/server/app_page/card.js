// The purchase card: what `purchase_number` says without a yes, and the sentence that asks the assistant to buy.
const NOTHING_CHOSEN = "No number is chosen on the page of available numbers.";
let turn = 0; // counts what was begun; answers to anything but the last come too late
/** The price of a preview with the currency that it names, if the preview offers exactly this purchase. */
function offeredRate({ code, message, preview, next_call: next }, number) {
  const rate = money(preview?.monthly_rate);
  const offered = code === "confirmation_required" && next?.name === "purchase_number";
  if (!rate || !offered || next.arguments?.phone_number !== number) return null;
  const unit = /, priced in ([A-Z]{3})\./.exec(line(message, 1000))?.[1] ?? "";
  return { units: rate.units, currency: money(preview.current?.monthly_rate)?.currency || unit };
}
/** The part of the card that asks: a button where the client takes messages, otherwise the sentence to copy. */
function asking(sentence) {
  const field = make("textarea", { readonly: "", rows: "2", "aria-label": "Sentence for the assistant" }, sentence);
  const copy = () => {
    field.select();
    say(document.execCommand("copy") ? "Copied." : "The sentence is selected: copy it with the keyboard.");
  };
  const copying = make("button", { class: "main", onclick: copy }, "Copy the sentence");
  if (!takesText("message")) return make("div", "ask", "To buy it, paste this into the conversation:", field, copying);
  const send = async ({ currentTarget: button }) => {
    if (button.ariaDisabled === "true") return;
    setOff(button, true);
    try {
      await ask(sentence);
      button.textContent = "The assistant was asked";
      say("The assistant was asked. It makes the purchase, and the server checks everything once more.");
    } catch ({ message }) {
      button.replaceWith(copying);
      copying.focus();
      say(`${message} If the conversation does not have the sentence yet, paste it there.`, "error");
    }
  };
  const button = make("button", { class: "main", onclick: send }, "Ask the assistant to buy it");
  return make("div", "ask", "The assistant gets this from you:", field, button);
}
const sentenceFor = ({ number }, rate) => `Please buy ${number} at ${amountOf(rate)} a month.`;
const fact = (name, value) => make("div", "", make("dt", "", name), make("dd", "", value));
function drawCard(item, { facts = [], rate, words, sentence, again }) {
  $("card").replaceChildren(
    make("div", "head", whatOf(item), rate && priceOf({ rate })),
    make("dl", "", fact("Place and type", placeOf(item)), fact("Capabilities", chipsOf(item)), ...facts),
    words ? make("p", "refused", plain(words)) : "", sentence ? asking(sentence) : "",
    again ? make("button", { onclick: () => choose(item) }, "Try again") : "", " ",
    make("button", { onclick: () => backToList(item) }, "Back to the list"),
  );
}
/** What the card shows of the answer to the unconfirmed call; without an offer, nothing can be asked for. */
function partsOf(item, { content, failed }) {
  const rate = failed && offeredRate(content, item.number);
  if (!rate) return { words: refusal(content), again: content.retryable === true };
  const { requires, limits } = content.preview;
  const facts = line(requires) ? [fact("The provider wants", plain(line(requires, 300)))] : [];
  for (const [name, value] of Object.entries(isObject(limits) ? limits : {}))
    facts.push(fact(`Left of ${line(name, 40).replaceAll("_", " ")}`, `${line(value?.left)} of ${line(value?.limit)}`));
  return { facts, rate, sentence: sentenceFor(item, rate) };
}
/** Show the card of a number, and ask the server what buying it would mean. That buys nothing. */
async function choose(item) {
  const mine = ++turn;
  let parts = {};
  drawCard(item, parts);
  show("card", `Buy ${item.shown}?`, "Looking up the price, and what your limits leave …");
  try {
    if (isObject(host.can.serverTools))
      parts = partsOf(item, await callTool("purchase_number", { phone_number: item.number, confirm: false }));
    else if (item.rate) parts = { rate: item.rate, sentence: sentenceFor(item, item.rate) };
  } catch ({ message }) {
    parts = { words: `Nothing was done. ${message}`, again: true };
  }
  if (mine !== turn) return;
  drawCard(item, parts);
  say(parts.sentence ? "Nothing is bought yet." : "This number cannot be asked for now.");
  tell(parts.sentence ? `The user looks at ${item.number}, ${amountOf(parts.rate)} a month, unbought.` : NOTHING_CHOSEN);
}
function backToList(item) {
  turn += 1;
  show("list", list.title, $("range").textContent);
  tell(NOTHING_CHOSEN);
  ($("rows").querySelector(`[aria-label="Choose ${CSS.escape(item.shown)}"]`) ?? $("title")).focus();
}
