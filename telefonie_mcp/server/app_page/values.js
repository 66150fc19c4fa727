// What comes from the provider or the client, made safe to show. Nothing here touches the page.
const CAPABILITIES = { voice: "Voice", sms: "SMS", mms: "MMS" };
const DECIMALS = 12; // of the smallest unit
const AMOUNT = /^([A-Z]{3}|[$€£¥])?\s?([0-9][0-9.,]*|\.[0-9]+)\s?([A-Z]{3}|[$€£¥])?$/;
const countries = new Intl.DisplayNames("en", { type: "region", fallback: "none" });
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** A value as one line of visible text, cut where it is long; empty for what is no text. */
function line(value, most = 120) {
  if (typeof value !== "string" && typeof value !== "number") return "";
  const text = String(value).slice(0, 20 * most).replace(/[\s\p{Cc}]+/gu, " ");
  const shown = text.replace(/[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\p{Cs}\p{Co}]/gu, "").trim();
  return shown.length > most ? `${shown.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…` : shown;
}
/** A price, exactly: an integer of the smallest unit, never a float. Null where it is ambiguous, as in money.py. */
function money(value) {
  const [, before, digits = "", after] = AMOUNT.exec(line(value, 40).toUpperCase()) ?? [];
  const grouped = /^\d{1,3}(,\d{3})+\.\d*$/.test(digits);
  const number = grouped ? digits.replaceAll(",", "") : digits.replace(/^(\d+),(\d\d)$/, "$1.$2");
  const [, whole, part = ""] = /^(\d{0,9})(?:\.(\d{0,12}))?$/.exec(number) ?? [];
  if (!digits || whole === undefined || (before && after)) return null;
  return { units: BigInt(whole + part.padEnd(DECIMALS, "0")), currency: before || after || "" };
}
/** An amount with two decimals at least, and its currency if the answer named one. */
function amountOf({ units, currency }) {
  const digits = String(units).padStart(DECIMALS + 1, "0");
  const amount = `${digits.slice(0, -DECIMALS)}.${digits.slice(-DECIMALS).replace(/0+$/, "").padEnd(2, "0")}`;
  return /^[A-Z]/.test(currency) ? `${amount} ${currency}` : `${currency}${amount}`;
}
/** Whether a text may become a link: only a whole web address. */
const isWebAddress = (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && !text.includes("…");
/** A number of an answer, in the one form that everything else reads. */
function numberOf(item) {
  const country = /^[A-Z]{2}$/.exec(line(item.country_code, 9))?.[0] ?? "";
  const can = Object.keys(CAPABILITIES).filter((name) => item.capabilities?.[name] === true);
  const hooks = { voice: line(item.voice_url, 500), sms: line(item.sms_url, 500) };
  const [shown, label] = [line(item.phone_number, 40) || "No number", line(item.friendly_name)];
  return {
    shown, country, can, hooks, rate: money(item.monthly_rate), price: line(item.monthly_rate, 40),
    // Only such a number may stand in a sentence to the assistant: no text of the provider can hide in it.
    number: /^\+[1-9][0-9]{4,14}$/.test(shown) && shown,
    label: label === shown ? "" : label,
    place: (country && countries.of(country)) || country || "Unknown place",
    type: line(item.type, 30).replace(/^./, (first) => first.toUpperCase()) || "Unknown type",
    open: ["voice", "sms"].filter((name) => can.includes(name) && !hooks[name]),
  };
}
/** What a tool result says, whichever half of it the client passes on; no content where it says nothing. */
function answerOf({ content: parts, structuredContent: content, isError, _meta: meta }) {
  const text = Array.isArray(parts) && parts.find((part) => part?.type === "text")?.text;
  try {
    if (!isObject(content)) content = JSON.parse(text);
  } catch {
    if (isError === true) content = { message: text };
  }
  return { content: isObject(content) ? content : {}, failed: isError === true, mode: meta?.["telefonie-mcp/mode"] };
}
/** A refusal as sentences for a person. */
const refusal = ({ message, hint }) => `${line(message, 1000) || "The answer could not be read."} ${line(hint, 500)}`;
