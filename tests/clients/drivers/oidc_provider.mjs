// The npm package oidc-provider as an authorization server for one resource, on a free port of this machine.
// Arguments: URL of the resource, "jwt" or "opaque", client_id and secret for introspection. Prints {"issuer": URL}.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.NODE_TOOLS}/`);
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);
const [resource, accessTokenFormat, introspector, secret] = process.argv.slice(2);

const scope = "numbers:read numbers:write numbers:purchase numbers:release";
let handle = (_, response) => response.writeHead(503).end();
const server = createServer((request, response) => handle(request, response));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "machine",
      client_secret: "machine-secret-0451",
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: "desk",
      application_type: "native",
      grant_types: ["authorization_code"],
      redirect_uris: ["http://127.0.0.1/callback", "http://127.0.0.1/oauth/callback"],
      token_endpoint_auth_method: "none",
    },
    { client_id: introspector, client_secret: secret, grant_types: [], response_types: [], redirect_uris: [] },
  ],
  scopes: ["openid", "offline_access", ...scope.split(" ")],
  cookies: { keys: ["a-key-for-cookies-of-tests"] },
  routes: { introspection: "/introspect" },
  // A person's tenant stands in the name, as in ann@sales.
  extraTokenClaims: (_, { accountId = "" }) => ({ tenant: accountId.split("@")[1] ?? "support" }),
  features: {
    clientCredentials: { enabled: true },
    registration: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId === introspector },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, indicator) => ({
        scope,
        audience: indicator,
        accessTokenFormat,
        accessTokenTTL: 600,
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});
handle = provider.callback();
console.log(JSON.stringify({ issuer }));
