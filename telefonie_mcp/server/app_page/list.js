// A list of numbers, available or owned: filter, sort, pages. Only the rows of one page are drawn.
const ROWS = 25;
const $ = (id) => document.getElementById(id);
const { compare } = new Intl.Collator("en", { numeric: true });
const byText = (name) => (a, b) => compare(a[name], b[name]);
const byCount = (name) => (a, b) => b[name].length - a[name].length;
const byPrice = (sign) => ({ rate: a }, { rate: b }) =>
  a && b ? sign * ((a.units > b.units) - (a.units < b.units)) : !a - !b;
const ORDERS = new Map([
  ["As listed", () => 0], ["Price, lowest first", byPrice(1)], ["Price, highest first", byPrice(-1)],
  ["Number", byText("shown")], ["Place", byText("place")], ["Type", byText("type")],
  ["Most capabilities first", byCount("can")], ["Unrouted first", byCount("open")],
]);
const list = { items: [], page: 0, owned: false, title: "", unit: "" };
/** Make an element of a class or with attributes. Strings among the children become text, never markup. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  const { onclick = null, ...rest } = typeof attributes === "string" ? { class: attributes } : attributes;
  for (const [name, value] of Object.entries(rest)) element.setAttribute(name, value);
  element.append(...children.filter(Boolean));
  return Object.assign(element, { onclick });
}
/** Make an element that keeps the direction of a text to itself. */
const plain = (text, kind = "") => make("bdi", kind, text);
/** A button that can do nothing stays in the order of the keyboard, so that no focus is lost. */
const setOff = (button, off) => Object.assign(button, { ariaDisabled: String(off) });
/** Move the focus to the title if what had it is gone. */
const keepFocus = ({ body, activeElement: it } = document) =>
  document.hasFocus() && (it === body || !it.checkVisibility()) && $("title").focus();
const say = (text, kind = "") => Object.assign($("status"), { textContent: text, className: kind });
const digits = (count) => count.toLocaleString("en");
const many = (count) => `${digits(count)} number${count === 1 ? "" : "s"}`;
const whatOf = ({ shown, label }) =>
  make("span", "what", make("bdi", { class: "number", dir: "ltr" }, shown), label && plain(label, "label"));
const placeOf = ({ country, place, type }) =>
  make("span", "place", country && make("span", "code", country), plain(place), " ", plain(type, "type"));
const chipsOf = ({ can }) =>
  make("span", "chips", ...can.flatMap((name) => [make("span", "chip", CAPABILITIES[name]), " "]), !can.length && "none");
const priceOf = ({ rate, price }) =>
  rate ? make("span", "price", make("strong", "", amountOf({ ...rate, currency: rate.currency || list.unit })), " a month")
    : make("span", "price", price ? "Unclear price: " : "No price stated", plain(price));
function hookOf({ hooks, open }, name) {
  let shown = open.includes(name) ? make("strong", "open", "unrouted") : plain(hooks[name]);
  const onclick = () => request("ui/open-link", { url: hooks[name] }).catch(({ message }) => say(message, "error"));
  if (isObject(host.can.openLinks) && isWebAddress(hooks[name]))
    shown = make("button", { class: "link", role: "link", onclick }, shown);
  return (hooks[name] || open.includes(name)) && make("span", "", `${CAPABILITIES[name]}: `, shown);
}
function rowOf(item) {
  const pick = { class: "choose", "aria-label": `Choose ${item.shown}`, onclick: () => choose(item) };
  const last = list.owned ? make("span", "hooks", hookOf(item, "voice"), hookOf(item, "sms"))
    : item.number ? make("button", pick, "Choose") : "No valid number";
  const kind = list.owned && item.open.length ? "unrouted" : "";
  return make("li", kind, whatOf(item), placeOf(item), chipsOf(item), priceOf(item), last);
}
/** The items that the filters leave, in order. */
function filtered() {
  const words = line($("search").value).toLowerCase();
  const figures = words.replace(/[\s()./+-]/g, "");
  const most = money($("most").value);
  $("most").ariaInvalid = String(!most && $("most").value.trim() !== "");
  const wanted = Object.keys(CAPABILITIES).filter((name) => $(name).checked);
  const fits = (item) =>
    (!words || item.label.toLowerCase().includes(words) || (figures && item.shown.includes(figures))) &&
    ["place", "type"].every((name) => !$(name).value || item[name] === $(name).value) &&
    (!most || item.rate?.units <= most.units) && wanted.every((name) => item.can.includes(name)) &&
    (!list.owned || !$("open").checked || item.open.length);
  return list.items.filter(fits).sort(ORDERS.get($("sort").value));
}
function draw() {
  const left = filtered();
  const last = Math.max(0, Math.ceil(left.length / ROWS) - 1);
  list.page = Math.min(list.page, last);
  const [first, end] = [list.page * ROWS, Math.min((list.page + 1) * ROWS, left.length)];
  const range = `${digits(first + 1)}–${digits(end)} of ${many(left.length)}`;
  $("rows").replaceChildren(...left.slice(first, end).map(rowOf));
  $("range").textContent = left.length ? range : "No number fits the filters.";
  if ($("most").ariaInvalid === "true") $("range").textContent += " “Most a month” is no amount such as 1.50.";
  setOff($("previous"), list.page === 0);
  setOff($("next"), list.page === last && !canLoad());
  $("previous").hidden = $("next").hidden = last === 0 && !canLoad();
  $("all").hidden = !canLoad();
}
/** Show these items; the filters stay as they are where they still fit. */
function fill(items) {
  list.items = items;
  const found = (name) => ["", ...[...new Set(items.map((item) => item[name]))].sort(compare)];
  const orders = [...ORDERS.keys()].slice(0, list.owned ? undefined : -1);
  for (const [id, options] of Object.entries({ place: found("place"), type: found("type"), sort: orders })) {
    const before = options.includes($(id).value) ? $(id).value : options[0];
    $(id).replaceChildren(...options.map((value) => make("option", { value }, value || "All")));
    $(id).value = before;
  }
  $("open").parentElement.hidden = !list.owned;
  $("filters").hidden = items.length < 2;
  draw();
}
function turnTo(page) {
  list.page = page;
  draw();
  say($("range").textContent);
}
