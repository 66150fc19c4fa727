// The official TypeScript SDK; see remote.py for what a driver does. Its packages are where NODE_TOOLS says.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.env.NODE_TOOLS}/`);
const [generation, target] = process.argv.slice(2);
const to = JSON.parse(target);

const PACKAGES = {
  v1: {
    name: "@modelcontextprotocol/sdk",
    client: "@modelcontextprotocol/sdk/client/index.js",
    stdio: "@modelcontextprotocol/sdk/client/stdio.js",
    http: "@modelcontextprotocol/sdk/client/streamableHttp.js",
  },
  v2: {
    name: "@modelcontextprotocol/client",
    client: "@modelcontextprotocol/client",
    stdio: "@modelcontextprotocol/client/stdio",
    http: "@modelcontextprotocol/client",
  },
};
const packages = PACKAGES[generation];
const { Client } = require(packages.client);
const { StdioClientTransport } = require(packages.stdio);
const { StreamableHTTPClientTransport } = require(packages.http);
const { version } = JSON.parse(
  require("node:fs").readFileSync(`${process.env.NODE_TOOLS}/../${packages.name}/package.json`),
);

const [command, ...args] = to.command;
const transport = to.url
  ? new StreamableHTTPClientTransport(new URL(to.url))
  : new StdioClientTransport({ command, args, env: to.env });
const client = new Client(
  { name: "telefonie-mcp-tests", version: "1" },
  { versionNegotiation: { mode: to.era === "legacy" ? "legacy" : "auto" } },
);

const does = {
  tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
  call: async (name, args) => {
    const result = await client.callTool({ name, arguments: args });
    return {
      text: result.content[0].text,
      structured: result.structuredContent ?? null,
      refused: result.isError ? "`isError`" : null,
    };
  },
  read: async (uri) => (await client.readResource({ uri })).contents[0].text,
  prompt: async (name, args) => (await client.getPrompt({ name, arguments: args })).messages[0].content.text,
};
const tell = (answer) => console.log(JSON.stringify(answer));

let protocol = null; // version 1 tells it only to its transport
const set = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (negotiated) => {
  protocol = negotiated;
  set?.(negotiated);
};
await client.connect(transport);
tell({ versions: { [packages.name]: version }, protocol });
for await (const line of createInterface({ input: process.stdin })) {
  const [what, ...args] = JSON.parse(line);
  try {
    tell(await does[what](...args));
  } catch (error) {
    tell({ raised: error.constructor.name, text: error.message });
  }
}
await client.close();
