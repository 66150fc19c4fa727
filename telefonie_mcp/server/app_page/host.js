// JSON-RPC 2.0 with the client that shows this page (MCP Apps, dialect 2026-01-26). This file alone speaks to it.
const CALL_SECONDS = 120; // a client may ask a person before it passes a call on
const host = { open: window.parent !== window, can: {}, last: 0 };
const waiting = new Map(); // id of a request → what settles it
const post = (message) => host.open && window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
/** Send a request. Rejects with a sentence for a person, also when no answer comes. */
function request(method, params, seconds = CALL_SECONDS) {
  return new Promise((resolve, reject) => {
    const id = ++host.last;
    const fail = (sentence) => waiting.delete(id) && reject(new Error(sentence));
    const timer = setTimeout(() => fail("The client did not answer in time."), 1000 * seconds);
    waiting.set(id, ({ result, error }) => {
      if (isObject(result) === isObject(error)) return;
      clearTimeout(timer);
      if (isObject(error)) return fail(line(error.message, 500) || "The client refused.");
      waiting.delete(id);
      resolve(result);
    });
    post({ id, method, params });
  });
}
/** Call a tool that reads, or that only previews. */
const callTool = async (name, args) => answerOf(await request("tools/call", { name, arguments: args }));
/** Whether the client takes text with this capability: some name the kinds that they take, others name none. */
function takesText(capability) {
  const kinds = host.can[capability];
  return isObject(kinds) && (Object.keys(kinds).length === 0 || isObject(kinds.text));
}
/** Ask the assistant, in the user's name. */
async function ask(text) {
  const { isError } = await request("ui/message", { role: "user", content: [{ type: "text", text }] });
  if (isError === true) throw new Error("The client did not pass the message on.");
}
/** Tell the assistant for its next turn what is chosen. It replaces what was told before. */
function tell(text) {
  const params = { content: [{ type: "text", text }] };
  if (takesText("updateModelContext")) request("ui/update-model-context", params).catch(() => {});
}
/** Listen to the client; `on` has a function for each notification, and `close` for the end. */
function listen(on) {
  window.addEventListener("message", ({ source, data }) => {
    if (source !== window.parent || !host.open || !isObject(data) || data.jsonrpc !== "2.0") return;
    const { id, method } = data;
    if (method === undefined) return waiting.get(id)?.(data);
    if (typeof method !== "string" || !["undefined", "string", "number"].includes(typeof id)) return;
    if (id === undefined) return Object.hasOwn(on, method) && on[method](isObject(data.params) ? data.params : {});
    const known = ["ping", "ui/resource-teardown"].includes(method);
    post(known ? { id, result: {} } : { id, error: { code: -32601, message: "Method not found" } });
    if (method !== "ui/resource-teardown") return;
    host.open = false;
    waiting.clear();
    on.close();
  });
}
