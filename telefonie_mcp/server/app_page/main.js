// The states of the page, and how the client's results lead to them.
const [MOST_NUMBERS, PAGE_SIZE] = [10000, 100];
function show(state, title, status, kind) {
  for (const id of ["list", "card"]) $(id).hidden = id !== state;
  $("title").textContent = title;
  say(status, kind);
  keepFocus();
}
const itemsOf = (found) => found.filter(isObject).slice(0, MOST_NUMBERS).map(numberOf);
function showPicker({ available_numbers: found, note }) {
  Object.assign(list, { owned: false, page: 0, title: "Available numbers", unit: "" });
  fill(itemsOf(found));
  $("sums").hidden = true;
  const where = list.items.some(({ rate }) => rate?.currency === "") ? ", priced in the account’s currency" : "";
  show("list", list.title, found.length ? `${many(found.length)} found${where}.` : line(note, 500) || "No number was found.");
}
function showOwned(content, { page, page_size: size, type }) {
  const next = page === 1 && size === PAGE_SIZE ? 2 : 1;
  Object.assign(list, { owned: true, page: 0, title: "My numbers", items: [], next, type, unit: "", idle: 0 });
  addPage(content);
  show("list", list.title, list.items.length ? countOf() : line(content.note, 500) || "This account has no numbers.");
}
const isWhole = () => list.idle > 1 || list.items.length >= Math.min(list.total, MOST_NUMBERS);
const canLoad = () => list.owned && !isWhole() && isObject(host.can.serverTools);
const countOf = () => `${many(list.items.length)}${isWhole() ? "" : ` of ${digits(list.total)} loaded`}.`;
/** Add a page of owned numbers. What is known is replaced: a page that comes twice changes nothing. */
function addPage({ numbers, total, note }) {
  const known = new Map(list.items.map((item) => [item.shown, item]));
  const before = known.size;
  for (const item of itemsOf(numbers)) known.set(item.shown, item);
  list.idle = known.size > before ? 0 : list.idle + (numbers.length ? 1 : 2); // some APIs ignore `page`
  list.total = Number.isSafeInteger(total) ? Math.max(total, known.size) : known.size;
  list.unit = /, in ([A-Z]{3})\.$/.exec(line(note, 500))?.[1] ?? list.unit;
  fill([...known.values()].slice(0, MOST_NUMBERS));
  drawSums();
}
/** Sums per month and country, each currency by itself. A price that cannot be read is in no sum. */
function drawSums() {
  const [groups, totals] = [new Map(), new Map()];
  for (const { place, rate } of list.items) {
    const currency = rate ? rate.currency || list.unit : null;
    const { count, units } = groups.get(`${place}|${currency}`) ?? { count: 0, units: 0n };
    groups.set(`${place}|${currency}`, { place, currency, count: count + 1, units: units + (rate?.units ?? 0n) });
    if (rate) totals.set(currency, (totals.get(currency) ?? 0n) + rate.units);
  }
  const sums = [...totals].map(([currency, units]) => amountOf({ units, currency })).join(" + ") || "Unclear";
  const when = ` a month${totals.has("") ? ", in the account’s currency" : ""}${isWhole() ? "" : ", so far"}`;
  const open = digits(list.items.filter((item) => item.open.length).length);
  const big = (text, rest) => make("span", "", make("strong", "", text), rest);
  const row = (tag, scope, first, ...others) =>
    make("tr", "", make("th", { scope }, plain(first)), ...others.map((text) => make(tag, "", text)));
  const shown = ({ currency, units }) => (currency === null ? "unclear" : amountOf({ currency, units }));
  const ranked = [...groups.values()].sort((a, b) => b.count - a.count || compare(a.place, b.place));
  const rows = ranked.map((group) => row("td", "row", group.place, digits(group.count), shown(group)));
  $("sums").firstChild.replaceChildren(big(sums, when), big(digits(list.items.length), " owned"), big(open, " unrouted"));
  $("sums").lastChild.replaceChildren(row("th", "col", "Country", "Numbers", "A month"), ...rows);
  $("sums").hidden = !list.items.length;
}
/** Load the next page of the account, or all further ones, and say whether. Whatever begins later ends it. */
async function load(all) {
  const mine = ++turn;
  try {
    do {
      say(`Loading … ${countOf()}`);
      const args = { page: list.next, page_size: PAGE_SIZE, ...(list.type && { type: list.type }) };
      const { content, failed } = await callTool("list_owned_numbers", args);
      if (mine !== turn) return;
      if (failed || !Array.isArray(content.numbers)) throw new Error(refusal(content));
      list.next += 1;
      addPage(content);
      keepFocus();
    } while (all && !isWhole());
    say(countOf());
    return true;
  } catch ({ message }) {
    if (mine === turn) say(message, "error");
  }
}
function showResult(result, args) {
  const key = JSON.stringify([result, args]);
  if (key === host.shown) return; // some clients pass a result on twice
  host.shown = key;
  turn += 1;
  const { content, failed, mode } = answerOf(result);
  const textContent = mode === "live" ? "Live" : "Sandbox: no number is real";
  if (/^(live|sandbox)$/.test(mode)) Object.assign($("mode"), { hidden: false, className: mode, textContent });
  if (!failed && Array.isArray(content.available_numbers)) return showPicker(content);
  if (!failed && Array.isArray(content.numbers)) return showOwned(content, args);
  show("", "Phone numbers", failed ? refusal(content) : "The answer could not be read.", "error");
}
const applyContext = (it) => /^(dark|light)$/.test(it?.theme) && (document.documentElement.dataset.theme = it.theme);
async function start() {
  if (!host.open) return say("This page shows phone numbers inside an MCP client; here is none.");
  let args = {};
  $("filters").addEventListener("input", () => turnTo(0));
  $("previous").onclick = () => list.page > 0 && turnTo(list.page - 1);
  $("next").onclick = async () => {
    const isLast = (list.page + 1) * ROWS >= filtered().length;
    if (!isLast || (canLoad() && (await load(false)))) turnTo(list.page + 1);
  };
  $("all").onclick = () => load(true);
  listen({
    "ui/notifications/tool-input": (params) => (args = isObject(params.arguments) ? params.arguments : {}),
    "ui/notifications/tool-result": (params) => showResult(params, args),
    "ui/notifications/tool-cancelled": () => say("The call was cancelled.", "error"),
    "ui/notifications/host-context-changed": applyContext,
    close: () => say("The client has closed this page.") && ($("main").inert = true),
  });
  const hello = { protocolVersion: "2026-01-26", appInfo: { name: "telefonie", version: "1" }, appCapabilities: {} };
  const { hostCapabilities, hostContext } = await request("ui/initialize", hello, 3600);
  host.can = isObject(hostCapabilities) ? hostCapabilities : {};
  applyContext(hostContext);
  post({ method: "ui/notifications/initialized", params: {} });
  const size = () => ({ width: window.innerWidth, height: Math.ceil(document.body.getBoundingClientRect().height) });
  new ResizeObserver(() => post({ method: "ui/notifications/size-changed", params: size() })).observe(document.body);
}
start().catch(({ message }) => say(message, "error"));
